"""With how many workers a stack goes on that lost some: as many as there is room for, or one that needs no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners import ray_train
from panda_ray.execution.runners.ray_group.losses import NoRoomError, UnreachableError, WorkersLostError
from panda_ray.execution.runners.ray_group.one_group import Group, LostGroup
from panda_ray.execution.runners.ray_leaving import lost_workers
from panda_ray.execution.runners.ray_leaving.lost_workers import MAX_DEATHS
from panda_ray.execution.runners.ray_leaving.reasons import Halting
from panda_ray.execution.runners.ray_train import train_on_workers
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.workspace import Settings
from panda_ray.sweep import ResourceSection
from panda_ray.training.engine.halting import HaltedError

LOST, UNREACHABLE, NO_ROOM = WorkersLostError("died"), UnreachableError("closed"), NoRoomError("full")
PREEMPTED, HALTED = WorkersLostError("gone", {"a worker that was there"}), HaltedError("going away")


@dataclass
class Groups:
    """Stands for Train: groups that end as they are told.

    Attributes:
        ends: what each group raises; None for one that succeeds.
        free: slots that Ray says are free.
        started, limits: workers of each group, and what it was told of memory.
        lost: what was said of each loss.
    """

    ends: Iterator[Exception | None]
    free: int = 2
    started: list[int] = field(default_factory=list)
    limits: list[Any] = field(default_factory=list)
    lost: list[LostGroup] = field(default_factory=list)
    reason: str | None = None
    """Why the trial should stop."""

    def train(self, stack: Stack, limit: Any, group: Group) -> list[Any]:
        self.started.append(stack.workers)
        self.limits.append(limit)
        if (error := next(self.ends)) is not None:
            raise error
        return []

    def wanted(self) -> bool:
        return False

    def look(self) -> str | None:
        return self.reason


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Groups:
    groups = Groups(iter(()))
    monkeypatch.setattr(ray_train, "train_group", groups.train)
    monkeypatch.setattr(ray_train, "_ROOM_SECONDS", 0.0)
    monkeypatch.setattr(ray_train.time, "sleep", lambda _: None)
    monkeypatch.setattr(ray_train, "free_slots", lambda slot: groups.free)
    monkeypatch.setattr(lost_workers, "node_of", {"a worker that was there": "a node that is gone"}.get)
    monkeypatch.setattr(lost_workers, "is_leaving", lambda node: node == "a node that is gone")
    return groups


def train(groups: Groups, *ends: Exception | None, workers: int = 2) -> None:
    groups.ends = iter(ends)
    limit: Any = "a limit"
    settings, halting = Settings(None, (), 60, 1), cast("Halting", groups)
    group = Group("a stack", Store("memory://groups"), settings, ResourceSection(), None, groups.lost.append, halting)
    train_on_workers(Stack((), workers=workers), limit, group)


@pytest.mark.parametrize(("free", "then"), [(3, 2), (2, 2), (1, 1), (0, 1)])
def test_a_lost_group_is_followed_by_one_of_as_many_as_there_is_room_for(groups: Groups, free: int, then: int) -> None:
    groups.free = free
    train(groups, LOST, None)
    assert groups.started == [2, then]
    assert groups.lost == [LostGroup("died", False, then)]


def test_what_is_known_of_the_memory_of_so_many_is_not_told_to_fewer(groups: Groups) -> None:
    groups.free = 1
    train(groups, LOST, None)
    assert groups.limits == ["a limit", None]


def test_a_group_that_finds_no_room_is_followed_by_a_smaller_one_however_often(groups: Groups) -> None:
    groups.free = 1
    train(groups, *[NO_ROOM] * (MAX_DEATHS + 5), None, workers=3)
    assert groups.started == [3, *[1] * (MAX_DEATHS + 5)]


def test_after_two_groups_that_could_not_connect_one_worker_goes_on_alone(groups: Groups) -> None:
    train(groups, UNREACHABLE, UNREACHABLE, LOST, None)
    assert groups.started == [2, 2, 1, 1]
    assert groups.lost == [LostGroup("closed", False, 2), LostGroup("closed", False, 1), LostGroup("died", False, 1)]


def test_one_worker_that_cannot_connect_is_a_bug(groups: Groups) -> None:
    with pytest.raises(UnreachableError):
        train(groups, UNREACHABLE, UNREACHABLE, UNREACHABLE)


def test_a_stack_that_takes_down_group_after_group_is_given_up(groups: Groups) -> None:
    with pytest.raises(WorkersLostError):
        train(groups, *[LOST] * (MAX_DEATHS + 1))
    assert len(groups.started) == MAX_DEATHS + 1


def test_a_group_whose_nodes_go_away_or_are_gone_does_not_count_as_one_that_died(groups: Groups) -> None:
    with pytest.raises(WorkersLostError, match="died"):
        train(groups, *[PREEMPTED, HALTED] * MAX_DEATHS, *[LOST] * (MAX_DEATHS + 1))
    assert len(groups.started) == 3 * MAX_DEATHS + 1
    assert groups.lost[:2] == [LostGroup("gone", True, 2), LostGroup("going away", True, 2)]
    assert groups.lost[-1] == LostGroup("died", False, 2)


@pytest.mark.parametrize("reason", ["paused", "preempted"])
def test_a_group_that_stopped_because_its_trial_should_is_followed_by_none(groups: Groups, reason: str) -> None:
    groups.reason = reason
    with pytest.raises(HaltedError):
        train(groups, HALTED)
    assert groups.started == [2]
    assert not groups.lost
