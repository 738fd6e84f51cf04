"""Members that somebody stops: their results, the others, the rows that are freed, and checkpoints of what is left."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest
import torch

from panda_ray.backbones.backbone import Backbone
from panda_ray.training.engine.collective import Solo
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import MemberResult
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_task
from support.trained.trainings import CONFIG, Slot, assert_same, members_of, with_nan


class Stopper:
    """Stops members at the end of epochs, by name, and keeps the reports."""

    def __init__(self, stops: dict[int, Collection[str]]) -> None:
        self.stops = stops
        self.reports: list[EpochReport] = []

    def __call__(self, report: EpochReport) -> Collection[str]:
        self.reports.append(report)
        return self.stops.get(report.epoch, ())


class ToldByRank0(Solo):
    """A worker that is told what rank 0 shares with it, one thing after the other."""

    def __init__(self, *told: object) -> None:
        self._told = iter(told)

    def share(self, make: Callable[[], Any]) -> Any:
        return next(self._told)


def as_of(result: MemberResult, epochs: int) -> MemberResult:
    """What of a result does not say that its training went on or was stopped."""
    return replace(result, history=result.history[:epochs], stopped=False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_member_has_the_result_of_its_training_up_to_there(kind: str) -> None:
    """Epoch 1 alone, with the schedule of the whole training; two members, one without and one with a teacher."""
    task, members, config = toy_task(kind, train=30), members_of(kind, 4), replace(CONFIG, schedule="exponential")
    stopped = train_stack(random_backbone(), task, members, config, on_epoch=Stopper({1: ["member 0", "member 3"]}))
    short = replace(config, epochs=1)
    for index in (0, 3):
        [alone] = train_stack(random_backbone(), task, [members[index]], short)
        assert stopped[index].stopped
        assert stopped[index].error is None
        assert [past.epoch for past in stopped[index].history] == [1]
        assert_same([as_of(stopped[index], 1)], [alone], exact=False)
    assert [result.stopped for result in stopped] == [True, False, False, True]


@pytest.mark.parametrize("kind", KINDS)
def test_the_others_go_on_as_without_the_stopped_ones(kind: str) -> None:
    """Whichever part of the teachers goes: of those with their own head, of those with their student's, or all."""
    task, members = toy_task(kind, train=30), members_of(kind, 5)
    whole = train_stack(random_backbone(), task, members, CONFIG)
    for gone in ([0], [1, 2], [3], [1, 3], [0, 4]):
        stopper = Stopper({1: [f"member {index}" for index in gone]})
        results = train_stack(random_backbone(), task, members, CONFIG, on_epoch=stopper)
        left = [index for index in range(5) if index not in gone]
        assert [list(report.scores) for report in stopper.reports[1:]] == [[f"member {i}" for i in left]] * 2
        assert_same([results[index] for index in left], [whole[index] for index in left], exact=False)
        assert [len(result.history) for result in results] == [1 if index in gone else 3 for index in range(5)]


def test_only_the_living_pass_through_the_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[int] = []
    forward = Backbone.forward

    def counting(self: Backbone, blocks: Any, *rest: Any, **named: Any) -> Any:
        passed.append(sum(len(block.lengths_R) for block in blocks))
        return forward(self, blocks, *rest, **named)

    monkeypatch.setattr(Backbone, "forward", counting)
    task, members = toy_task("classification", train=12, dev=8), members_of("classification", 5)[::2]
    members = [replace(members[0], lr=1e38), *members[1:], replace(members[1], name="another")]
    ends = list[int]()

    def on_epoch(report: EpochReport) -> Collection[str]:
        ends.append(sum(passed))
        return ["another"] if report.epoch == 2 else ()

    train_stack(random_backbone(), task, members, replace(CONFIG, epochs=4, grad_clip=1e-3), on_epoch=on_epoch)
    epochs = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
    one_member = 12 + 8
    assert epochs == [4 * one_member, 3 * one_member, 2 * one_member, 2 * one_member]


def test_a_training_of_which_nobody_is_left_ends() -> None:
    task, members = toy_task("classification"), members_of("classification", 3)
    broken = with_nan(members[1])
    stopper, slot = Stopper({2: ["member 0", "member 2"]}), Slot()
    members = [members[0], broken, members[2]]
    config = replace(CONFIG, epochs=9)
    results = train_stack(random_backbone(), task, members, config, on_epoch=stopper, checkpoint=slot)
    assert [report.epoch for report in stopper.reports] == [1, 2]
    assert [(result.stopped, result.error is None) for result in results] == [
        (True, True),
        (False, False),
        (True, True),
    ]
    again = Stopper({})
    resumed = train_stack(random_backbone(), task, members, config, on_epoch=again, checkpoint=Slot(slot.saved[-1]))
    assert again.reports == []
    assert resumed[1].error == results[1].error
    assert_same([resumed[0], resumed[2]], [results[0], results[2]], exact=True)


def test_a_worker_stops_whom_rank_0_stops_and_nobody_else() -> None:
    task, members, config = toy_task("classification"), members_of("classification", 3), replace(CONFIG, epochs=2)
    no_state, others = None, Stopper({1: ["member 0", "member 2"]})
    told = ToldByRank0(no_state, ["member 1"], [])
    results = train_stack(random_backbone(), task, members, config, on_epoch=others, collective=told)
    assert [(result.stopped, len(result.history)) for result in results] == [(False, 2), (True, 1), (False, 2)]


def test_nobody_is_stopped_after_the_last_epoch() -> None:
    task, members = toy_task("classification"), members_of("classification", 2)
    results = train_stack(random_backbone(), task, members, CONFIG, on_epoch=Stopper({3: ["member 0"]}))
    assert not any(result.stopped for result in results)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_that_lost_members_resumes_from_every_state_bit_for_bit(kind: str) -> None:
    task, members = toy_task(kind), members_of(kind, 4)
    members[2] = replace(members[2], lr=1e38)
    config = replace(CONFIG, dropout=0.1, grad_clip=1e-3)
    slot, stops = Slot(), {1: ["member 0"], 2: ["member 1"]}
    expected = train_stack(
        random_backbone(), task, members, config, checkpoint=slot, checkpoint_seconds=0, on_epoch=Stopper(stops)
    )
    assert [result.stopped for result in expected] == [True, True, False, False]
    assert "NaN" in (expected[2].error or "")
    steps = -(-task.train.examples // config.batch_size)
    assert len(slot.saved) == config.epochs * steps, "all steps but the last, and the end of each epoch"
    for state in slot.saved:
        resumed = train_stack(random_backbone(), task, members, config, checkpoint=Slot(state), on_epoch=Stopper(stops))
        assert [result.error for result in resumed] == [result.error for result in expected]
        assert [result.stopped for result in resumed] == [result.stopped for result in expected]
        assert_same([*resumed[:2], resumed[3]], [*expected[:2], expected[3]], exact=True)


def test_a_state_after_a_stop_holds_the_vectors_of_the_living_alone() -> None:
    task, members, slot = toy_task("classification"), members_of("classification", 4), Slot()
    stopper = Stopper({1: ["member 0", "member 2", "member 3"]})
    train_stack(random_backbone(), task, members, CONFIG, checkpoint=slot, checkpoint_seconds=0, on_epoch=stopper)
    before, after = (torch.load(io.BytesIO(state), weights_only=True) for state in (slot.saved[0], slot.saved[-1]))
    for state, members_left in ((before, 4), (after, 1)):
        vectors = [*state["leaves"].values(), *state["optimizer"]["means"], *state["optimizer"]["squares"]]
        assert {len(vector) for vector in vectors} == {members_left}
        assert len(state["members"]) == 4
