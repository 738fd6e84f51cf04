"""The driver's side of trials: what they report goes to the dispatch, and what the dispatch says goes to them."""

from __future__ import annotations

import pickle
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from ray.exceptions import RayActorError, RayTaskError
from ray.tune import Callback

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_decisions import Decisions
from panda_ray.execution.runners.ray_leaving.lost_workers import Loss, Losses
from panda_ray.execution.runners.ray_leaving.nodes import host_of, is_up
from panda_ray.execution.runners.ray_leaving.reasons import enlarge, forget_enlarging, pause, unpause
from panda_ray.execution.runners.ray_leaving.signs_of_life import SILENT_SECONDS, Silence
from panda_ray.execution.runners.ray_leaving.workers import node_of
from panda_ray.execution.runners.ray_trials.run_trial import given_up
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.signals import signal_pending
from panda_ray.execution.store.files.files import StoreFullError
from panda_ray.execution.store.store import Store
from panda_ray.training.engine.halting import HaltedError

_SAVE_SECONDS = 60.0
"""How long a run that a signal ends waits for its stacks to save."""


class Messenger(Callback):
    """Takes what trials report to the dispatch.

    Attributes:
        stopped_by: why the run must end; Tune itself would only keep the text of the exception.
    """

    def __init__(self, dispatch: Dispatch, store: Store) -> None:
        self._dispatch = dispatch
        self._store = store
        self._ended: set[str] = set()
        self._running: dict[str, Stack] = {}
        """By trial, stacks whose workers are to save before a run may end."""
        self._silence = Silence(store.leases.driver)
        self._stood_still: set[str] = set()
        """Ids of stacks whose process was ended for it."""
        self._losses: defaultdict[str, Losses] = defaultdict(Losses)
        """By stack, which may start again as another trial."""
        self._doubtful: dict[Any, Loss] = {}
        """By trial, losses of which nobody knows yet whether a node is gone."""
        self._pause_ends: float | None = None
        self._shrunk: dict[str, Stack] = {}
        """By trial, stacks that go on with fewer workers than they were given."""
        self._asked: set[str] = set()
        """Ids of stacks that are to stop, to go on with more workers."""
        self._going_on: set[str] = set()
        """Trials that have ended for it."""
        self.stopped_by: Exception | None = None

    def enlarge(self, larger: Stack) -> None:
        """Ask a stack to stop that `Dispatch.enlarge` gave."""
        self._asked.add(larger.id)
        enlarge(self._store.leases.driver, larger.id)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        stack = _stack_of(trial)
        self._running[trial.trial_id] = stack
        self._shrunk.pop(trial.trial_id, None)
        self._dispatch.started(stack)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """On a signal, tell what runs to save and stop; end the run when all has."""
        self.judge()
        if not signal_pending():
            return
        driver = self._store.leases.driver
        if self._pause_ends is None:
            self._pause_ends = time.monotonic() + _SAVE_SECONDS
            pause(driver)
        if not self._running or time.monotonic() > self._pause_ends:
            unpause(driver)
            self._stop(HaltedError())

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if (report := result.get("report")) is not None:
            stack = self._stack(trial)
            stopping = self._dispatch.epoch(stack, report)
            if trial.config["waits"]:
                Decisions(self._store.leases.driver, stack.id).post(report.epoch, stopping)
        elif (loss := result.get("lost")) is not None:
            self._dispatch.lost(self._stack(trial), loss.reason, loss.preempted)
            self._shrunk[trial.trial_id] = replace(_stack_of(trial), workers=loss.workers)
            self._dispatch.started(self._stack(trial))
        elif (full := result.get("full")) is not None:
            self._stop(StoreFullError(full))
        elif (bug := result.get("bug")) is not None:
            self._stop(RuntimeError(f"{_stack_of(trial).title} failed in its worker:\n{bug}"))
        elif "halted" in result:
            self._halted(trial)
        elif trial.trial_id not in self._ended:  # a worker may die after its last report, and start again
            self._ended.add(trial.trial_id)
            self._dispatch.finished(self._stack(trial), result["outcomes"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._ended.discard(trial.trial_id)
        self._forget(trial)
        if trial.trial_id in self._going_on:
            self._going_on.discard(trial.trial_id)
        else:
            self._losses.pop(_stack_of(trial).id, None)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tune starts the trial again, because its node is going away."""
        self._running.pop(trial.trial_id, None)
        self._withdraw(trial)
        self._dispatch.lost(self._stack(trial), _why(_worker_of(trial), True), True)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Its worker is no more, and Tune starts the trial no more, because it cannot tell why."""
        if trial.trial_id in self._ended:
            self.on_trial_complete(iteration, trials, trial)
            return
        self._running.pop(trial.trial_id, None)
        worker = _worker_of(trial)
        self._doubtful[trial] = Loss(() if worker is None else {worker})
        self.judge()

    def judge(self) -> None:
        """Decide about stacks that lost their workers, as soon as it is known why: they wait again, or have failed."""
        self._stood_still.update(self._silence.ended([stack.id for stack in self._running.values()]))
        for trial, loss in [*self._doubtful.items()]:
            if (preempted := loss.is_preemption()) is not None:
                del self._doubtful[trial]
                self._lost(trial, loss, preempted)

    def _lost(self, trial: Any, loss: Loss, preempted: bool) -> None:
        stack, worker = _stack_of(trial), _worker_of(trial)
        self._losses[stack.id].add(loss)
        if self._losses[stack.id].left < 0:
            host = _host_of(worker)
            self._dispatch.finished(stack, given_up(stack, self._store, str(_error_of(trial)), host or ""))
            del self._losses[stack.id]
        else:
            why = _stood_still(worker) if stack.id in self._stood_still else _why(worker, preempted)
            self._dispatch.lost(self._stack(trial), why, preempted)
            self._dispatch.put_back(stack)
        self._stood_still.discard(stack.id)
        self._forget(trial)

    def _halted(self, trial: Any) -> None:
        """A trial has saved and ended; its stack goes on as another one unless the run pauses."""
        self._running.pop(trial.trial_id, None)
        if _stack_of(trial).id in self._asked:
            self._withdraw(trial)
            self._going_on.add(trial.trial_id)
            self._dispatch.halted(self._stack(trial))

    def _withdraw(self, trial: Any) -> None:
        """Ask no more of a stack that it should stop."""
        stack = _stack_of(trial)
        if stack.id in self._asked:
            self._asked.discard(stack.id)
            forget_enlarging(self._store.leases.driver, stack.id)

    def _forget(self, trial: Any) -> None:
        self._withdraw(trial)
        self._running.pop(trial.trial_id, None)
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


def _error_of(trial: Any) -> Exception | None:
    """The last error of a trial, by Ray's kind; Tune hands none to its callbacks."""
    if trial.pickled_error_file is None:
        return None
    error: Exception = pickle.loads(Path(trial.pickled_error_file).read_bytes())
    return error.cause if isinstance(error, RayTaskError) else error


def _worker_of(trial: Any) -> str | None:
    """The id of the worker that an error took from a trial; None for an error that names none."""
    error = _error_of(trial)
    return error.actor_id if isinstance(error, RayActorError) else None


def _host_of(worker: str | None) -> str | None:
    node = None if worker is None else node_of(worker)
    return None if node is None else host_of(node)


def _stood_still(worker: str | None) -> str:
    host = _host_of(worker)
    return f"its process{f' on {host}' if host else ''} stood still for {SILENT_SECONDS / 60:.0f} minutes and was ended"


def _why(worker: str | None, preempted: bool) -> str:
    """Why a worker is no more, in one sentence with its host where it is known."""
    node = None if worker is None else node_of(worker)
    if node is None:
        return "its process died"
    if not preempted:
        return f"its process on {host_of(node)} died"
    return f"its node {host_of(node)} is {'going away' if is_up(node) else 'gone'}"
