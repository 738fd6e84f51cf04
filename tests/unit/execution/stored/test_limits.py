"""What did not fit into memory: what a store remembers of it, and what becomes of a stack that is too wide."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.footprints import footprint_of, placement_of
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_group import one_group
from panda_ray.execution.store.memory_limits import PLAIN, Footprint, Limit, Placement
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.execution.work.memory import noted
from panda_ray.execution.work.run_stack import settle
from panda_ray.execution.work.workspace import Settings
from panda_ray.training.config import TrainConfig
from support.sweeps.small_sweeps import planned, small_sweep

CONFIG = TrainConfig(lr=1e-3, batch_size=16, epochs=2)
FOOTPRINT = Footprint(
    backbone="tiny",
    identity="local:0",
    task="rte",
    trained="prefix",
    batch_size=CONFIG.batch_size,
    prompt_len=CONFIG.prompt_len,
    max_len=CONFIG.max_len,
    precision=CONFIG.precision,
    workers=1,
)


def unit(seed: int) -> Unit:
    return Unit("train", "pot", 1, BackboneRef("tiny", "local:0"), DataRef("rte", "rows", 1), seed, config=CONFIG)


def stack_of(width: int, first: int = 0) -> Stack:
    return Stack(tuple(unit(first + seed) for seed in range(width)))


class Device:
    """Runs stacks up to a width and notes what it was asked for."""

    def __init__(self, room: int, store: Store) -> None:
        self.room, self.limits = room, store.limits
        self.tried: list[int] = []

    def run(self, stack: Stack, limit: Limit | None) -> list[Outcome]:
        self.tried.append(len(stack.members))
        with noted(stack, self.limits, limit):
            if len(stack.members) > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory")
        return [Outcome(member.key, "done") for member in stack.members]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_a_footprint_is_what_memory_depends_on() -> None:
    assert footprint_of(stack_of(1)) == footprint_of(stack_of(3, first=5)) == FOOTPRINT


PLACEMENTS = (PLAIN, Placement(2, False), Placement(1, True))


def test_a_limit_is_of_the_placement_that_it_was_found_under_alone(store: Store) -> None:
    for room, placement in zip((4, 16, 8), PLACEMENTS, strict=True):
        device = Device(room, Store(store.url))
        device.limits = store.limits.on(placement)
        settle(stack_of(21), store, device.run, placement)
        assert device.tried[0] == 21, "nothing that is known elsewhere narrows it"
        settle(stack_of(21, first=100), store, device.run, placement)
        assert device.tried.count(21) == 1, "what is known here does"
    widths = [store.limits.on(placement).all()[FOOTPRINT].width for placement in PLACEMENTS]
    assert widths == [2, 10, 5], "the widest half that fitted"


def test_a_plan_is_narrowed_by_limits_of_its_own_resources_alone(tmp_path: Path) -> None:
    def widest(**resources: object) -> int:
        seeds = list(range(6))
        sweep = small_sweep(tmp_path, methods=["prompt_tuning"], metrics=[], seeds=seeds, resources=resources)
        plan, _ = planned(sweep)
        assert Settings.of(sweep).placement == placement_of(sweep.resources)
        return max(len(stack.members) for stack in plan.stacks)

    plan, store = planned(small_sweep(tmp_path, methods=["prompt_tuning"], metrics=[], seeds=list(range(6))))
    for stack in plan.stacks:
        footprint = footprint_of(stack)
        assert footprint is not None
        store.limits.write(footprint, 3, False, "a GPU")
    assert (widest(), widest(gpus_per_stack=0.5), widest(cpus_per_stack=2)) == (2, 2, 2)
    assert (widest(gpus_per_stack=2), widest(activation_checkpointing=True)) == (6, 6)


def test_nothing_is_known_of_an_empty_store(store: Store) -> None:
    assert store.limits.of(FOOTPRINT) is None
    assert store.limits.all() == {}


def test_the_widest_that_fitted_below_the_narrowest_that_did_not_is_the_limit(store: Store) -> None:
    for width, fits in ((64, False), (21, False), (40, True), (11, True), (6, True)):
        store.limits.write(FOOTPRINT, width, fits, "a GPU")
    limit = store.limits.all()[FOOTPRINT]
    assert (limit.width, limit.confirmed, limit.failed, limit.device) == (11, True, 21, "a GPU")


def test_half_of_what_failed_is_expected_to_fit(store: Store) -> None:
    store.limits.write(FOOTPRINT, 21, False, "a GPU")
    limit = store.limits.of(FOOTPRINT)
    assert limit is not None
    assert (limit.width, limit.confirmed) == (11, False)


def test_a_width_is_tried_once_per_store(store: Store) -> None:
    device = Device(6, store)
    outcomes = settle(stack_of(21), store, device.run)
    assert {outcome.key for outcome in outcomes} == {member.key for member in stack_of(21).members}
    assert device.tried[0] == 21
    assert device.tried.count(21) == 1
    limit = store.limits.of(FOOTPRINT)
    assert limit is not None
    assert (limit.width, limit.confirmed) == (5, True)
    device.tried.clear()
    settle(stack_of(21, first=100), Store(store.url), device.run)
    assert max(device.tried) <= limit.width
    assert sum(device.tried) == 21


def test_stacks_of_other_texts_or_of_several_workers_have_limits_of_their_own(store: Store) -> None:
    settle(stack_of(8), store, Device(4, store).run)
    spread = Stack(stack_of(8).members, workers=2)
    device = Device(8, store)
    settle(spread, store, device.run)
    assert device.tried == [8]
    narrow = Device(2, store)
    settle(spread, store, narrow.run)
    assert narrow.tried[0] == 8
    assert {(limit.footprint.workers, limit.width) for limit in store.limits.all().values()} == {(1, 4), (2, 2)}
    again = Device(8, store)
    settle(spread, Store(store.url), again.run)
    assert max(again.tried) == 2


def test_one_member_that_does_not_fit_fails_and_is_tried_again(store: Store) -> None:
    for _ in range(2):
        device = Device(0, store)
        outcomes = settle(stack_of(2), store, device.run)
        assert [outcome.status for outcome in outcomes] == ["failed", "failed"]
        assert device.tried[-2:] == [1, 1]
    [limit] = store.limits.all().values()
    assert limit.failed == 2


def test_a_worker_of_a_group_notes_what_did_not_fit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_wide(*_: object, **_named: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    class Unasked(nullcontext[Any]):
        """Stands for what looks after the node of a worker."""

        def __enter__(self) -> Unasked:
            return self

        def wanted(self) -> bool:
            return False

    monkeypatch.setattr(one_group, "train_members", too_wide)
    monkeypatch.setattr(one_group, "ProcessGroup", object)
    monkeypatch.setattr(one_group, "Halting", lambda *_: Unasked())
    spread = Stack(stack_of(8).members, workers=2)
    settings = Settings(None, (), checkpoint_seconds=60, threads=1)
    job = one_group._Job(spread, store.url, settings, None, None, "driver", spread.id, "node")
    with pytest.raises(torch.OutOfMemoryError):
        one_group._work({"job": job})
    [limit] = store.limits.all().values()
    assert (limit.footprint, limit.failed) == (footprint_of(spread), 8)
