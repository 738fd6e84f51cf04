"""Packing: what shares a stack, and that interrupting or extending a sweep never changes the stacks that are left."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pytest

from panda_ray.execution.planning.footprints import footprint_of
from panda_ray.execution.planning.packing import AUTO_EXAMPLES, pack
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.memory_limits import Footprint, Limit
from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.training.config import TrainConfig

CONFIG = TrainConfig(lr=1e-3, batch_size=16, epochs=2)


def unit(seed: int, task: str = "rte", config: TrainConfig | None = CONFIG, backbone: str = "tiny") -> Unit:
    product = "prompt" if config else "embedding"
    return Unit(product, "pot", 1, BackboneRef(backbone, "local:0"), DataRef(task, task, 1), seed, config=config)


def packed(
    units: Sequence[Unit],
    done: Collection[str] = (),
    checkpointed: Mapping[str, Sequence[str]] | None = None,
    width: int | str = 4,
    depths: Mapping[str, int] | None = None,
    limits: Mapping[Footprint, Limit] | None = None,
) -> tuple[Stack, ...]:
    by_key = {unit.key: unit for unit in units}
    depths = depths or dict.fromkeys(by_key, 0)
    return pack(by_key, depths, done, checkpointed or {}, width, limits or {})  # type: ignore[arg-type]


def shapes(stacks: Sequence[Stack]) -> set[tuple[int, ...]]:
    return {tuple(unit.seed for unit in stack.members) for stack in stacks}


def test_every_unit_is_in_one_stack_of_limited_width() -> None:
    units = [unit(seed) for seed in range(10)]
    stacks = packed(units)
    assert sorted(unit.seed for stack in stacks for unit in stack.members) == list(range(10))
    assert sorted(len(stack.members) for stack in stacks) == [3, 3, 4]


@pytest.mark.parametrize(
    "other",
    [
        unit(1, task="cb"),
        unit(1, backbone="small"),
        unit(1, config=replace(CONFIG, batch_size=32)),
        unit(1, config=replace(CONFIG, epochs=3)),
        unit(1, config=replace(CONFIG, dropout=0.0)),
    ],
)
def test_units_that_cannot_share_a_forward_pass_are_apart(other: Unit) -> None:
    assert len(packed([unit(0), other])) == 2


def test_units_that_train_different_things_are_apart_and_know_their_own_limits() -> None:
    once, twice = {"embedded": "once"}, {"embedded": "twice"}
    units = [unit(0), *(replace(unit(1), method="lester", options=options) for options in (once, twice, once))]
    units = [*units[:3], replace(units[3], seed=2)]
    stacks = packed(units)
    assert shapes(stacks) == {(0,), (1, 2), (1,)}
    assert len({footprint_of(stack) for stack in stacks}) == 3


def test_trainings_of_all_weights_share_no_stack_under_any_width() -> None:
    units = [replace(unit(seed), method="model_tuning") for seed in range(3)]
    assert shapes(packed(units)) == shapes(packed(units, width="auto")) == {(0,), (1,), (2,)}


def test_learning_rate_and_initialization_are_a_members_own() -> None:
    others = [unit(1, config=replace(CONFIG, lr=5e-3)), unit(2, config=replace(CONFIG, initialization="zeros"))]
    assert len(packed([unit(0), *others])) == 1


def test_units_of_different_depth_are_apart_and_in_order() -> None:
    first, second = unit(0), unit(1)
    stacks = packed([second, first], depths={first.key: 0, second.key: 1})
    assert [stack.members for stack in stacks] == [(first,), (second,)]


def test_auto_width_is_a_rule_of_the_batch_size() -> None:
    units = [unit(seed) for seed in range(100)]
    assert max(len(stack.members) for stack in packed(units, width="auto")) <= AUTO_EXAMPLES // 16
    wide = [unit(seed, config=replace(CONFIG, batch_size=1024)) for seed in range(3)]
    assert len(packed(wide, width="auto")) == 3


def test_embeddings_of_a_task_are_one_stack() -> None:
    assert len(packed([unit(seed, config=None) for seed in range(50)])) == 1


@pytest.mark.parametrize("order", range(20))
def test_stacks_finished_in_any_order_leave_the_others_as_they_were(order: int) -> None:
    units = [unit(seed) for seed in range(50)]
    planned = list(packed(units))
    finished = random.Random(order).sample(planned, 5)
    done = {unit.key for stack in finished for unit in stack.members}
    left = shapes(packed(units, done))
    assert left == shapes([stack for stack in planned if stack not in finished])


def test_extending_runs_only_what_is_new_in_full_stacks() -> None:
    units = [unit(seed) for seed in range(40)]
    old = {unit.key for unit in units if unit.seed % 2}
    stacks = packed(units, done=old)
    assert sorted(unit.seed for stack in stacks for unit in stack.members) == list(range(0, 40, 2))
    assert [len(stack.members) for stack in stacks] == [4] * 5


def test_a_checkpointed_stack_comes_back_with_the_shape_it_had() -> None:
    units = [unit(seed) for seed in range(8)]
    members = (units[5], units[1], units[2])
    interrupted = Stack(members)
    stacks = packed(units, {units[1].key}, {interrupted.id: [unit.key for unit in members]})
    (again,) = [stack for stack in stacks if stack.id == interrupted.id]
    assert again.members == members
    assert [unit.seed for unit in again.todo] == [5, 2]
    assert sorted(unit.seed for stack in stacks for unit in stack.todo) == [0, 2, 3, 4, 5, 6, 7]


def test_checkpoints_of_others_or_of_finished_stacks_are_left_alone() -> None:
    units = [unit(seed) for seed in range(4)]
    foreign = {"a": [units[0].key, unit(99).key], "b": [units[1].key]}
    assert shapes(packed(units, {units[1].key}, foreign)) == {(0, 2, 3)}


def test_a_checkpoint_wider_than_allowed_by_now_is_not_continued() -> None:
    units = [unit(seed) for seed in range(4)]
    checkpointed = {"a": [unit.key for unit in units]}
    assert shapes(packed(units, (), checkpointed, width=2)) == {(0, 1), (2, 3)}


def limited(width: int, task: str = "rte") -> dict[Footprint, Limit]:
    footprint = footprint_of(Stack((unit(0, task=task),)))
    assert footprint is not None
    return {footprint: Limit(footprint, width, confirmed=True, failed=2 * width, device="a GPU", at="then")}


def test_what_did_not_fit_into_memory_is_not_planned_again() -> None:
    units = [unit(seed) for seed in range(8)] + [unit(seed, task="cb") for seed in range(8)]
    stacks = packed(units, width=8, limits=limited(3))
    assert [len(stack.members) for stack in stacks if stack.members[0].task == "rte"] == [2, 3, 3]
    assert [len(stack.members) for stack in stacks if stack.members[0].task == "cb"] == [8]


def test_a_limit_wider_than_the_sweeps_own_changes_nothing() -> None:
    units = [unit(seed) for seed in range(8)]
    assert shapes(packed(units, width=4, limits=limited(6))) == shapes(packed(units, width=4))


def test_a_checkpoint_wider_than_memory_allows_is_not_continued() -> None:
    units = [unit(seed) for seed in range(4)]
    checkpointed = {"a": [unit.key for unit in units]}
    assert shapes(packed(units, (), checkpointed, limits=limited(2))) == {(0, 1), (2, 3)}
    assert shapes(packed(units, (), checkpointed, limits=limited(4))) == {(0, 1, 2, 3)}
