"""Running a plan to its end, or until someone or something stops it; the same command goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.kinds import kinds_of
from panda_ray.execution.events import Listener, Listeners, RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.signals import reason_of, signals_end_the_run
from panda_ray.execution.steering import FIXED_PLAN, Steering
from panda_ray.execution.store.files.files import StoreFullError
from panda_ray.execution.store.store import Store

if TYPE_CHECKING:
    from panda_ray.execution.work.workspace import Settings


class Runner(Protocol):
    """What runs stacks: this process (`InlineRunner`) or a Ray cluster (`RayTuneRunner`), with the same results.

    It is asked only where there is something to run.
    """

    def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
        """Run until the dispatch is exhausted and nothing runs any more.

        Raises:
            KeyboardInterrupt: on a signal; running stacks are stopped, their checkpoints stay.
            StoreFullError: when there is no room for results.
        """
        ...


def run_plan(
    plan: Plan,
    costs: Costs,
    store: Store,
    runner: Runner,
    listeners: Sequence[Listener] = (),
    steering: Steering = FIXED_PLAN,
) -> RunSummary:
    """Run every unit of a plan that has no result, and of what the steering makes of it.

    Where there is one, the store is tried first; nothing is written where there is none. A failed unit blocks only what
    depends on it. SIGINT, SIGTERM, SIGHUP and a full disk end the run early: the summary says so, finished units are
    safe, and the next run continues from the checkpoints. Programming errors propagate.

    Raises:
        InputError: results cannot be stored.
    """
    if plan.stacks or not steering.exhausted:
        store.check_writable()
    listener = Listeners(listeners)
    dispatch = Dispatch(plan, costs.expected, listener, steering, store, kinds_of(plan.sweep, costs))
    with signals_end_the_run():
        store.remove_leftovers()
        store.checkpoints.remove(_obsolete(plan, store))
        interrupted: str | None = "an error in the program"
        try:
            listener.on_plan(plan)
            if not dispatch.exhausted:
                _run(dispatch, store, runner)
            interrupted = None
        except KeyboardInterrupt as signalled:
            interrupted = reason_of(signalled)
        except StoreFullError as full:
            interrupted = str(full)
        finally:
            summary = _finish(dispatch, listener, interrupted)
    return summary


def _run(dispatch: Dispatch, store: Store, runner: Runner) -> None:
    # Imports PyTorch, for seconds that a finished sweep need not take.
    from panda_ray.execution.work.workspace import Settings

    with store.bundling():
        runner.run(dispatch, store, Settings.of(dispatch.plan.sweep))


def _finish(dispatch: Dispatch, listener: Listener, interrupted: str | None) -> RunSummary:
    """Tell the listeners; a signal that comes while they finish their work ends the run early, too."""
    summary = dispatch.summary(interrupted)
    try:
        listener.on_finished(summary)
    except KeyboardInterrupt as signalled:
        return replace(summary, interrupted=summary.interrupted or reason_of(signalled))
    return summary


def _obsolete(plan: Plan, store: Store) -> list[str]:
    """Checkpoints of stacks that were published completely by a process that died right then."""
    return [name for name, keys in store.checkpoints.members().items() if plan.done.issuperset(keys)]
