"""The runner on Ray: Tune schedules the stacks of a plan over a cluster, one trial per stack.

Tune is used as a scheduler only. What is done is known from the store, so Tune's own checkpoints, logs and restore are
off. A stack whose worker or node dies is started again and continues from its checkpoint; a failure of the data or the
numbers is an outcome, not a failed trial, and is not retried.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune import PlacementGroupFactory, TuneError
from ray.tune.search import Searcher

from panda_ray.errors import InputError
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_cluster import environment, ray_cluster
from panda_ray.execution.runners.ray_forgetting import ForgettingScheduler, NoProgress
from panda_ray.execution.runners.ray_supply.autoscaler_log import RefusedWorkers
from panda_ray.execution.runners.ray_supply.demand import Demand
from panda_ray.execution.runners.ray_supply.slot import Slot, slot_of, slots_of_kinds
from panda_ray.execution.runners.ray_supply.slots import (
    check_resources,
    free_slots,
    parallel_stacks,
    parallel_stacks_of_kinds,
)
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

_LOOK_SECONDS = 1.0
"""Between two looks at slots that are free for a stack that runs."""


class RayTuneRunner:
    """Runs a plan on a Ray cluster.

    Args:
        address: of a running cluster; None starts one on this machine for the run.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
        resources = dispatch.plan.sweep.resources
        kinds = check_resources(resources) if self._address is None else None
        with _folder() as folder, ray_cluster(self._address, settings, folder):
            dispatch.foresee(there=kinds)
            messenger = Messenger(dispatch, store)
            demands = [] if self._address is None else _demands(dispatch)
            scheduler = ForgettingScheduler()
            refused = [] if self._address is None else [RefusedWorkers(dispatch.refused)]
            looks = [*(demand.show for demand in demands), *(each.look for each in refused)]
            searcher = _GraphSearcher(dispatch, messenger, scheduler, looks)
            callbacks = [messenger, NoProgress(), *demands, *refused]
            tuner = _tuner(dispatch, searcher, scheduler, callbacks, store, settings, str(folder / "tune"))
            try:
                with environment(_pending_trials(resources, self._address)), signals_deferred():
                    tuner.fit()
            except TuneError:
                if messenger.stopped_by is not None:
                    raise messenger.stopped_by from None
                raise
            finally:
                for demand in demands:
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
    scheduler: ForgettingScheduler,
    callbacks: list[tune.Callback],
    store: Store,
    settings: Settings,
    folder: str,
) -> tune.Tuner:
    """Tune as a scheduler of one plan; `folder` is for what it must write and nobody reads."""
    resources = dispatch.plan.sweep.resources
    alone = {kind: _place_of(slot_of(resources, kind)) for kind in (None, *resources.kinds)}

    def place(config: dict[str, Any]) -> PlacementGroupFactory:
        stack = config["stack"]
        return alone[stack.accelerator] if stack.workers == 1 else WAITING

    trainable = tune.with_parameters(
        run_trial, store_url=store.url, driver=store.leases.driver, settings=settings, resources=resources
    )
    return tune.Tuner(
        tune.with_resources(trainable, place),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=scheduler,
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


def _place_of(slot: Slot) -> PlacementGroupFactory:
    return PlacementGroupFactory([slot.bundle], bundle_label_selector=slot.selectors)


def _demands(dispatch: Dispatch) -> list[Demand]:
    """Of a run on a cluster, which may grow: one for each kind of worker."""
    resources = dispatch.plan.sweep.resources
    if not resources.workers:
        slot = slot_of(resources)
        return [Demand(lambda: dispatch.wanted(parallel_stacks(slot)), slot)]

    def wanted(accelerator: str) -> int:
        return dispatch.wanted_on(parallel_stacks_of_kinds(resources))[accelerator]

    return [Demand(partial(wanted, kind), slot) for kind, slot in slots_of_kinds(resources).items()]


def _pending_trials(resources: ResourceSection, address: str | None) -> dict[str, str]:
    """How many trials Tune asks for ahead of the running ones.

    With one, the default for a searcher, short stacks never run side by side: a worker that becomes free takes over the
    waiting trial before the second worker has started, and that worker is stopped.
    """
    here = sum(parallel_stacks_of_kinds(resources).values()) or parallel_stacks(slot_of(resources))
    ahead = here if address is None else max(here, _AHEAD_ON_CLUSTERS)
    return {"TUNE_MAX_PENDING_TRIALS_PG": str(ahead)}


class _GraphSearcher(Searcher):
    """Suggests the next stack; Tune asks for several trials ahead of those that run.

    Args:
        messenger: is called before each suggestion: where nothing runs, Tune does nothing but ask for one.
        scheduler: knows of workers that Tune keeps.
        looks: at a cluster that may grow: it learns what else could be used, and says what it cannot have.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        messenger: Messenger,
        scheduler: ForgettingScheduler,
        looks: Sequence[Callable[[], None]],
    ) -> None:
        super().__init__()
        self._dispatch = dispatch
        self._messenger = messenger
        self._scheduler = scheduler
        self._looks = looks
        self._next_look = 0.0

    def suggest(self, trial_id: str) -> Any:
        """A trial's configuration, None while all that is left waits, or `Searcher.FINISHED`."""
        if signal_pending():
            return Searcher.FINISHED  # where nothing runs, Tune would ask for ten minutes before it took another step
        self._messenger.judge()
        stack = self._next()
        if stack is None:
            self._enlarge()
        for look in self._looks:
            look()
        if stack is not None:
            return {"stack": stack, "waits": self._dispatch.may_stop(stack)}
        return Searcher.FINISHED if self._dispatch.exhausted else None

    def _next(self) -> Stack | None:
        resources = self._dispatch.plan.sweep.resources
        if resources.workers:
            return self._dispatch.next_on(parallel_stacks_of_kinds(resources))
        return self._dispatch.next(parallel_stacks(slot_of(resources)))

    def _enlarge(self) -> None:
        """Let a stack that runs go on with more workers where that is worth it; looks once a second at the most."""
        resources = self._dispatch.plan.sweep.resources
        if resources.max_workers == 1 or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        slot = slot_of(resources)
        larger = self._dispatch.enlarge(parallel_stacks(slot), free_slots(slot) + self._scheduler.kept)
        if larger is not None:
            self._messenger.enlarge(larger)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing to learn: outcomes arrive as a result (see `Messenger`)."""

    def save(self, checkpoint_path: str) -> None:
        """No state besides the store's."""

    def restore(self, checkpoint_path: str) -> None:
        """No state besides the store's."""
