"""The runner on Ray: Tune schedules the stacks of a plan over a cluster, one trial per stack.

Tune is used as a scheduler only. What is done is known from the store, so Tune's own checkpoints, logs and restore are
off. A stack whose worker or node dies is started again and continues from its checkpoint; a failure of the data or the
numbers is an outcome, not a failed trial, and is not retried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune import PlacementGroupFactory, TuneError
from ray.tune.search import Searcher

from panda_ray.errors import InputError
from panda_ray.execution.runners.ray_cluster import environment, ray_cluster
from panda_ray.execution.runners.ray_demand import Demand
from panda_ray.execution.runners.ray_forgetting import ForgettingScheduler, NoProgress
from panda_ray.execution.runners.ray_slots import check_resources, parallel_stacks
from panda_ray.execution.runners.ray_train import WAITING
from panda_ray.execution.runners.ray_trials.messenger import Messenger
from panda_ray.execution.runners.ray_trials.run_trial import run_trial
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.signals import signal_pending, signals_deferred
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.workspace import Settings
from panda_ray.sweep import ResourceSection

_AHEAD_ON_CLUSTERS = 16
"""Short stacks that wait as trials at the least, for nodes that are still to come."""


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
        if self._address is None:
            check_resources(resources.cpus_per_stack, resources.gpus_per_stack)
        with _folder() as folder, ray_cluster(self._address, settings, folder):
            dispatch.foresee()
            messenger = Messenger(dispatch, store)
            demand = None if self._address is None else _demand(dispatch)
            searcher = _GraphSearcher(dispatch, messenger.judge, demand)
            callbacks = [messenger, NoProgress(), *([] if demand is None else [demand])]
            tuner = _tuner(dispatch, searcher, callbacks, store, settings, str(folder / "tune"))
            try:
                with environment(_pending_trials(resources, self._address)), signals_deferred():
                    tuner.fit()
            except TuneError:
                if messenger.stopped_by is not None:
                    raise messenger.stopped_by from None
                raise
            finally:
                if demand is not None:
                    demand.withdraw()


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
    dispatch: Dispatch,
    searcher: _GraphSearcher,
    callbacks: list[tune.Callback],
    store: Store,
    settings: Settings,
    folder: str,
) -> tune.Tuner:
    """Tune as a scheduler of one plan; `folder` is for what it must write and nobody reads."""
    resources = dispatch.plan.sweep.resources
    alone = PlacementGroupFactory([{"CPU": resources.cpus_per_stack, "GPU": resources.gpus_per_stack}])
    trainable = tune.with_parameters(
        run_trial, store_url=store.url, driver=store.leases.driver, settings=settings, resources=resources
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
            callbacks=callbacks,
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=0),  # but for pre-emptions that Tune knows of
        ),
    )


def _demand(dispatch: Dispatch) -> Demand:
    """Of a run on a cluster, which may grow."""
    size = (dispatch.plan.sweep.resources.cpus_per_stack, dispatch.plan.sweep.resources.gpus_per_stack)
    return Demand(lambda: dispatch.wanted(parallel_stacks(*size)), *size)


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
        refresh: called before each suggestion: where nothing runs, Tune does nothing but ask for one.
        demand: where a cluster that may grow learns what else could be used; none for one that cannot.
    """

    def __init__(self, dispatch: Dispatch, refresh: Callable[[], None], demand: Demand | None) -> None:
        super().__init__()
        self._dispatch = dispatch
        self._refresh = refresh
        self._demand = demand

    def suggest(self, trial_id: str) -> Any:
        """A trial's configuration, None while all that is left waits, or `Searcher.FINISHED`."""
        if signal_pending():
            return Searcher.FINISHED  # where nothing runs, Tune would ask for ten minutes before it took another step
        self._refresh()
        resources = self._dispatch.plan.sweep.resources
        slots = parallel_stacks(resources.cpus_per_stack, resources.gpus_per_stack)
        stack = self._dispatch.next(slots)
        if self._demand is not None:
            self._demand.show()
        if stack is not None:
            return {"stack": stack, "waits": self._dispatch.may_stop(stack)}
        return Searcher.FINISHED if self._dispatch.exhausted else None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing to learn: outcomes arrive as a result (see `Messenger`)."""

    def save(self, checkpoint_path: str) -> None:
        """No state besides the store's."""

    def restore(self, checkpoint_path: str) -> None:
        """No state besides the store's."""
