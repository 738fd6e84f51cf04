"""A trial that was asked to stop, to go on with more workers: one of the larger stack follows it, or itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_leaving.lost_workers import MAX_DEATHS
from panda_ray.execution.runners.ray_trials import messenger as messages
from panda_ray.execution.runners.ray_trials.messenger import Messenger
from panda_ray.execution.scheduling.dispatcher import Dispatch
from support.sweeps.small_sweeps import planned, small_sweep


@dataclass(eq=False)
class Trial:
    """What is asked of a trial of Tune."""

    stack: Stack
    trial_id: str
    pickled_error_file: None = None

    @property
    def config(self) -> dict[str, Any]:
        return {"stack": self.stack, "waits": False}


class AllAlive:
    """Stands for the look at processes that stand still: there are none."""

    def __init__(self, driver: str) -> None: ...

    def ended(self, stacks: list[str]) -> list[str]:
        return []


@dataclass
class Run:
    """A run with one stack, which is to go on with two workers; `said` is what its workers would see."""

    dispatch: Dispatch
    messenger: Messenger
    trial: Trial
    said: set[str] = field(default_factory=set)

    def tell(self, **result: Any) -> None:
        self.messenger.on_trial_result(0, [], self.trial, result)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    changes = {"sources": ["remark"], "methods": ["prompt_tuning"], "metrics": [], "resources": {"max_workers": 2}}
    plan, store = planned(small_sweep(tmp_path, **changes))
    now = [0.0]
    dispatch = Dispatch(plan, lambda stack, workers: 36_000.0 / workers)
    dispatch.foresee(lambda: now[0])
    stack = dispatch.next(slots=1)
    assert stack is not None
    monkeypatch.setattr(messages, "Silence", AllAlive)
    run = Run(dispatch, Messenger(dispatch, store), Trial(stack, "first"))
    monkeypatch.setattr(messages, "enlarge", lambda driver, stack: run.said.add(stack))
    monkeypatch.setattr(messages, "forget_enlarging", lambda driver, stack: run.said.remove(stack))
    run.messenger.on_trial_start(0, [], run.trial)
    now[0] = 3600.0
    larger = dispatch.enlarge(slots=2, free=1)
    assert larger is not None
    run.messenger.enlarge(larger)
    assert run.said == {stack.id}
    return run


def die(run: Run) -> None:
    """Its worker dies, which nobody else is to blame for."""
    run.messenger.on_trial_error(0, [], run.trial)


def test_a_trial_that_has_stopped_is_followed_by_one_of_the_larger_stack(run: Run) -> None:
    run.tell(halted=True)
    assert not run.said, "the next one would stop at once"
    run.messenger.on_trial_complete(0, [], run.trial)
    larger = run.dispatch.next(slots=2)
    assert larger is not None
    assert (larger.id, larger.workers) == (run.trial.stack.id, 2)
    assert run.dispatch.summary().preemptions == 0


def test_what_a_stack_may_still_lose_is_the_same_before_and_after(run: Run) -> None:
    """It died four times before and once less than it may in all."""
    for number in range(4):
        die(run)
        stack = run.dispatch.next(slots=1)
        assert stack is not None
        run.trial = Trial(stack, f"after death {number}")
        run.messenger.on_trial_start(0, [], run.trial)
    run.messenger.enlarge(stack)
    run.tell(halted=True)
    run.messenger.on_trial_complete(0, [], run.trial)
    for number in range(MAX_DEATHS - 4 + 1):
        stack = run.dispatch.next(slots=1)
        assert stack is not None, f"it was given up after {number} more deaths"
        run.trial = Trial(stack, f"again {number}")
        run.messenger.on_trial_start(0, [], run.trial)
        die(run)
    assert run.dispatch.summary().failed.keys() == set(stack.keys)


@pytest.mark.parametrize("how", ["recover", "error"])
def test_a_trial_that_loses_its_worker_first_goes_on_as_it_was_and_is_asked_no_more(run: Run, how: str) -> None:
    if how == "recover":
        run.messenger.on_trial_recover(0, [], run.trial)
        run.messenger.on_trial_start(0, [], run.trial)
        assert run.dispatch.next(slots=1) is None, "it runs"
        assert run.dispatch.summary().preemptions == 1
    else:
        die(run)
        assert run.dispatch.next(slots=1) == run.trial.stack
    assert not run.said


def test_a_trial_that_stops_because_the_run_pauses_is_followed_by_none(run: Run) -> None:
    run.messenger.on_trial_recover(0, [], run.trial)
    run.messenger.on_trial_start(0, [], run.trial)
    run.tell(halted=True)
    run.messenger.on_trial_complete(0, [], run.trial)
    assert run.dispatch.next(slots=2) is None
