"""A training that is asked to stop for now loses no step, wherever it is, and goes on to the result that it had."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from panda_ray.training.engine.halting import HaltedError
from panda_ray.training.engine.stack.optimizer import StackedAdamW
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import MemberResult
from support.trained.models import random_backbone
from support.trained.toys import toy_task
from support.trained.trainings import CONFIG, Slot, assert_same, members_of

DROPOUT = replace(CONFIG, dropout=0.1, epochs=2)
"""Random streams must go on, too."""


class AskedAt:
    """Wants the training to stop when it is asked for this time, from 1."""

    def __init__(self, time: int) -> None:
        self.time, self.asked = time, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked == self.time


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Grows by one with each optimiser step, whoever does it."""
    done: list[float] = []
    step = StackedAdamW.step

    def counted(self: StackedAdamW, factor: float) -> None:
        done.append(factor)
        step(self, factor)

    monkeypatch.setattr(StackedAdamW, "step", counted)
    return done


def train(slot: Slot, asked: AskedAt) -> list[MemberResult]:
    """Four members, of which one imitates a teacher with a head of its own and one a teacher with the student's."""
    task, members = toy_task("classification"), members_of("classification", 4)
    return train_stack(random_backbone(), task, members, DROPOUT, checkpoint=slot, checkpoint_seconds=1e9, halt=asked)


def test_a_training_that_is_halted_anywhere_goes_on_without_a_lost_step_to_the_same_bits(steps: list[float]) -> None:
    """In its teachers' passes, between steps, at an epoch's end and in every evaluation, the last one included."""
    expected, schedule = train(Slot(), AskedAt(0)), [*steps]
    halted = 0
    for time in count(1):
        steps.clear()
        slot = Slot()
        try:
            train(slot, AskedAt(time))
        except HaltedError:
            halted += 1
        else:
            break
        assert len(slot.saved) == (1 if steps else len(slot.saved)), "a state for all that was trained"
        results = train(Slot(slot.saved[-1] if slot.saved else None), AskedAt(0))
        assert steps == schedule, "a step was lost, or done twice"
        assert_same(results, expected, exact=True)
    assert halted > len(schedule), "it was asked at every step, and besides"


def test_a_training_that_has_no_place_for_its_state_ends_as_well() -> None:
    task, members = toy_task("classification"), members_of("classification", 2)
    with pytest.raises(HaltedError):
        train_stack(random_backbone(), task, members, CONFIG, halt=AskedAt(3))
