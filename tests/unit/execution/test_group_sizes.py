"""With how many workers a stack goes on that lost some: as many as there is room for, or one that needs no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners import ray_train
from panda_ray.execution.runners.ray_group.losses import NoRoomError, UnreachableError, WorkersLostError
from panda_ray.execution.runners.ray_train import MAX_DEATHS, Group, train_on_workers
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.workspace import Settings
from panda_ray.sweep import ResourceSection

LOST, UNREACHABLE, NO_ROOM = WorkersLostError("died"), UnreachableError("closed"), NoRoomError("full")


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
    lost: list[tuple[str, int]] = field(default_factory=list)

    def train(self, stack: Stack, limit: Any, group: Group) -> list[Any]:
        self.started.append(stack.workers)
        self.limits.append(limit)
        if (error := next(self.ends)) is not None:
            raise error
        return []

    def on_lost(self, reason: str, workers: int) -> None:
        self.lost.append((reason, workers))


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Groups:
    groups = Groups(iter(()))
    monkeypatch.setattr(ray_train, "_train", groups.train)
    monkeypatch.setattr(ray_train, "_ROOM_SECONDS", 0.0)
    monkeypatch.setattr(ray_train.time, "sleep", lambda _: None)
    monkeypatch.setattr(ray_train, "free_slots", lambda cpus, gpus: groups.free)
    return groups


def train(groups: Groups, *ends: Exception | None, workers: int = 2) -> None:
    groups.ends = iter(ends)
    limit: Any = "a limit"
    group = Group(Store("memory://groups"), Settings(None, (), 60, 1), ResourceSection(), None, groups.on_lost)
    train_on_workers(Stack((), workers=workers), limit, group)


@pytest.mark.parametrize(("free", "then"), [(3, 2), (2, 2), (1, 1), (0, 1)])
def test_a_lost_group_is_followed_by_one_of_as_many_as_there_is_room_for(groups: Groups, free: int, then: int) -> None:
    groups.free = free
    train(groups, LOST, None)
    assert groups.started == [2, then]
    assert groups.lost == [("died", then)]


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
    assert groups.lost == [("closed", 2), ("closed", 1), ("died", 1)]


def test_one_worker_that_cannot_connect_is_a_bug(groups: Groups) -> None:
    with pytest.raises(UnreachableError):
        train(groups, UNREACHABLE, UNREACHABLE, UNREACHABLE)


def test_a_stack_that_takes_down_group_after_group_is_given_up(groups: Groups) -> None:
    with pytest.raises(WorkersLostError):
        train(groups, *[LOST] * (MAX_DEATHS + 1))
    assert len(groups.started) == MAX_DEATHS + 1
