"""The runner on Ray: Tune schedules the stacks of a plan over a cluster, one trial per stack.

Tune is used as a scheduler only. What is done is known from the store, so Tune's own checkpoints, logs and restore are
off. A trial whose worker or node dies is started again and continues from the stack's checkpoint; a failure of the
data or the numbers is an outcome, not a failed trial, and is not retried.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from ray import tune
from ray.tune import Callback, PlacementGroupFactory, TuneError
from ray.tune.result import NODE_IP
from ray.tune.search import Searcher

from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_cluster import environment, ray_cluster
from panda_ray.execution.runners.ray_decisions import Decisions
from panda_ray.execution.runners.ray_forgetting import ForgettingScheduler, NoProgress
from panda_ray.execution.runners.ray_group.losses import WorkersLostError, host_at
from panda_ray.execution.runners.ray_slots import check_resources, parallel_stacks
from panda_ray.execution.runners.ray_train import MAX_DEATHS, WAITING, Group, train_on_workers
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.store.files import StoreFullError
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.publishing import fail_all
from panda_ray.execution.work.run_stack import run_stack, settle
from panda_ray.execution.work.workspace import Settings, Workspace
from panda_ray.sweep import ResourceSection
from panda_ray.training.engine.stacked import EpochReport

_AHEAD_ON_CLUSTERS = 16
"""Waiting trials that an autoscaler sees at the least."""


class RayTuneRunner:
    """Runs a plan on a Ray cluster.

    Args:
        address: of a running cluster; None starts one on this machine for the run.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
        resources = dispatch.plan.sweep.resources
        if dispatch.exhausted:
            return
        with _folder() as folder, ray_cluster(self._address, settings, folder):
            if self._address is None:
                check_resources(resources.cpus_per_stack, resources.gpus_per_stack)
            dispatch.foresee()
            messenger = _Messenger(dispatch, store)
            searcher = _GraphSearcher(dispatch, elastic=self._address is not None)
            tuner = _tuner(dispatch, searcher, messenger, store, settings, str(folder / "tune"))
            try:
                with environment(_pending_trials(resources, self._address)):
                    tuner.fit()
            except TuneError:
                if messenger.stopped_by is not None:
                    raise messenger.stopped_by from None
                raise


@contextmanager
def _folder() -> Iterator[Path]:
    """Where Ray and Tune write what nobody reads."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(temporary_folder())
        except OSError as error:
            raise InputError(f"no folder for Ray's files: {error}; --runner inline needs none") from error
        yield folder


def _tuner(
    dispatch: Dispatch, searcher: _GraphSearcher, messenger: _Messenger, store: Store, settings: Settings, folder: str
) -> tune.Tuner:
    """Tune as a scheduler of one plan; `folder` is for what it must write and nobody reads."""
    resources = dispatch.plan.sweep.resources
    alone = PlacementGroupFactory([{"CPU": resources.cpus_per_stack, "GPU": resources.gpus_per_stack}])
    trainable = tune.with_parameters(
        _run_trial, store_url=store.url, driver=store.leases.driver, settings=settings, resources=resources
    )
    return tune.Tuner(
        tune.with_resources(trainable, lambda config: alone if config["stack"].workers == 1 else WAITING),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=ForgettingScheduler(),
            num_samples=-1,
            reuse_actors=True,
            trial_name_creator=lambda trial: trial.trial_id,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=tune.RunConfig(
            name="run",
            storage_path=folder,
            callbacks=[messenger, NoProgress()],
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=MAX_DEATHS),
        ),
    )


def _pending_trials(resources: ResourceSection, address: str | None) -> dict[str, str]:
    """How many trials Tune asks for ahead of the running ones.

    With one, the default for a searcher, short stacks never run side by side: a worker that becomes free takes over the
    waiting trial before the second worker has started, and that worker is stopped.
    """
    here = parallel_stacks(resources.cpus_per_stack, resources.gpus_per_stack)
    ahead = here if address is None else max(here, _AHEAD_ON_CLUSTERS)
    return {"TUNE_MAX_PENDING_TRIALS_PG": str(ahead)}


class _GraphSearcher(Searcher):
    """Suggests the next stack; Tune asks for several trials ahead of those that run.

    Args:
        elastic: the cluster may grow when trials wait. On one that cannot, a long stack is not handed out before a slot
            is free: until then it would be unknown which shape suits it.
    """

    def __init__(self, dispatch: Dispatch, elastic: bool) -> None:
        super().__init__()
        self._dispatch = dispatch
        self._elastic = elastic

    def suggest(self, trial_id: str) -> Any:
        """A trial's configuration, None while all that is left waits, or `Searcher.FINISHED`."""
        resources = self._dispatch.plan.sweep.resources
        slots = parallel_stacks(resources.cpus_per_stack, resources.gpus_per_stack)
        stack = self._dispatch.next(slots, ahead=self._elastic)
        if stack is not None:
            return {"stack": stack, "waits": self._dispatch.may_stop(stack)}
        return Searcher.FINISHED if self._dispatch.exhausted else None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing to learn: outcomes arrive as a result (see `_Messenger`)."""

    def save(self, checkpoint_path: str) -> None:
        """No state besides the store's."""

    def restore(self, checkpoint_path: str) -> None:
        """No state besides the store's."""


class _Messenger(Callback):
    """Takes what trials report to the dispatch.

    Attributes:
        stopped_by: why the run must end; Tune itself would only keep the text of the exception.
    """

    def __init__(self, dispatch: Dispatch, store: Store) -> None:
        self._dispatch = dispatch
        self._store = store
        self._ended: set[str] = set()
        self._addresses: dict[str, str] = {}
        """By trial, of the node that its last report came from; Tune forgets it before it says that a worker died."""
        self._shrunk: dict[str, Stack] = {}
        """By trial, stacks that go on with fewer workers than they were given."""
        self.stopped_by: Exception | None = None

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._forget(trial)
        self._dispatch.started(_stack_of(trial))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self._addresses[trial.trial_id] = result.get(NODE_IP, "")
        if (report := result.get("report")) is not None:
            stack = self._stack(trial)
            stopping = self._dispatch.epoch(stack, report)
            if trial.config["waits"]:
                Decisions(self._store.leases.driver, stack.id).post(report.epoch, stopping)
        elif (reason := result.get("lost")) is not None:
            self._dispatch.lost(self._stack(trial), reason)
            self._shrunk[trial.trial_id] = replace(_stack_of(trial), workers=result["workers"])
            self._dispatch.started(self._stack(trial))
        elif (full := result.get("full")) is not None:
            self._stop(StoreFullError(full))
        elif (bug := result.get("bug")) is not None:
            self._stop(RuntimeError(f"{_stack_of(trial).title} failed in its worker:\n{bug}"))
        elif trial.trial_id not in self._ended:  # a worker may die after its last report, and start again
            self._ended.add(trial.trial_id)
            self._dispatch.finished(self._stack(trial), result["outcomes"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._ended.discard(trial.trial_id)
        self._forget(trial)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        host = self._host(trial)
        self._dispatch.lost(_stack_of(trial), f"its process on {host} died" if host else "its process died")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        stack = _stack_of(trial)
        self._dispatch.finished(stack, _given_up(stack, self._store, trial.get_error() or "", self._host(trial)))

    def _host(self, trial: Any) -> str:
        """The machine that a trial runs on; empty until it has reported."""
        address = self._addresses.get(trial.trial_id)
        return host_at(address) if address else ""

    def _forget(self, trial: Any) -> None:
        self._addresses.pop(trial.trial_id, None)
        self._shrunk.pop(trial.trial_id, None)

    def _stack(self, trial: Any) -> Stack:
        """A trial's stack as it runs now."""
        return self._shrunk.get(trial.trial_id, _stack_of(trial))

    def _stop(self, reason: Exception) -> NoReturn:
        self.stopped_by = reason
        raise reason


def _stack_of(trial: Any) -> Stack:
    stack = trial.config["stack"]
    assert isinstance(stack, Stack), "every trial is a stack"
    return stack


def _run_trial(
    config: dict[str, Any], store_url: str, driver: str, settings: Settings, resources: ResourceSection
) -> None:
    """One trial, in a worker: the last report holds the outcomes, or what ends the run."""
    stack, store = config["stack"], Store(store_url, driver)
    decisions = Decisions(driver, stack.id) if config["waits"] else None

    def on_epoch(report: EpochReport) -> Collection[str]:
        tune.report({"report": report})
        return decisions.wait(report.epoch) if decisions is not None else ()

    def on_lost(reason: str, workers: int) -> None:
        tune.report({"lost": reason, "workers": workers})

    try:
        if stack.workers > 1:
            group = Group(store, settings, resources, decisions, on_lost)
            outcomes = settle(stack, store, lambda part, limit: train_on_workers(part, limit, group))
        else:
            outcomes = run_stack(stack, store, _workspace(settings), on_epoch)
    except StoreFullError as error:
        tune.report({"full": str(error)})
    except WorkersLostError:
        tune.report({"outcomes": _given_up(stack, store, traceback.format_exc(), "")})
    except Exception:  # Tune would start the trial again, which helps against dead workers, not against bugs
        tune.report({"bug": traceback.format_exc()})
    else:
        tune.report({"outcomes": outcomes})


def _given_up(stack: Stack, store: Store, trace: str, host: str) -> list[Outcome]:
    """How the units of a stack end that lost worker after worker; some may have been published before."""
    done = store.done_among(unit.key for unit in stack.todo)
    reason = f"its worker died {MAX_DEATHS + 1} times, without an error of its own; is there enough memory?"
    lost = [unit for unit in stack.todo if unit.key not in done]
    return [*(Outcome(key, "done") for key in done), *fail_all(store, lost, reason, trace, host)]


@lru_cache(maxsize=1)
def _workspace(settings: Settings) -> Workspace:
    """Kept between the trials of a worker."""
    return Workspace(settings)
