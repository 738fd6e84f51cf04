"""Simulated runs: near what no schedule can beat on the paper's grid, and right on any graph."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.packing import pack
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.lower_bound import bound_of
from panda_ray.execution.scheduling.shapes.allocations import Seconds
from panda_ray.execution.scheduling.shapes.running_stacks import RESTART_SECONDS
from panda_ray.execution.scheduling.simulation import Simulation, simulate
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.execution.units.unit import BackboneRef, DataRef, Role, Unit
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.training.config import TrainConfig
from support.sweeps.small_sweeps import planned, small_sweep

PAPER = Path(__file__).parents[4] / "sweeps" / "paper" / "bert_large.yaml"


def paper_grid(storage: Path, precision: str = "bf16") -> Plan:
    """Table II, each source on up to eight workers, the rows of Table I."""
    overrides = [f"storage={storage}", "resources.max_workers=8", f"training.precision={precision}"]
    sweep = load_sweep(str(PAPER), overrides)
    return plan_from(sweep, Store(sweep.storage), read_catalog(sweep, download=False))


def accelerator(plan: Plan) -> Seconds:
    """7,000 examples per second, half of that with 35 per step; workers share a step and add 0.5 ms to it."""

    def seconds(stack: Stack, workers: int) -> float:
        config = stack.members[0].config
        if config is None:
            return 0.02 * len(stack.members)
        steps = -(-plan.extents[stack.members[0].task].train_rows // config.batch_size) * config.epochs
        steps = min(steps, config.max_steps or steps)
        examples = config.batch_size * len(stack.members) / workers
        return 3 + steps * ((35 + examples) / 7000 + (0.0005 if workers > 1 else 0))

    return seconds


def assumed(plan: Plan) -> Seconds:
    """What planning assumes before anything was measured."""
    return Costs.of(plan, ()).expected


def check(plan: Plan, run: Simulation, seconds: Seconds) -> None:
    """Every unit ran once, after what it needs, and never on more slots than there are."""
    ended: dict[str, float] = {}
    trained: dict[str, float] = {}
    for one in run.ran:
        whole, before = seconds(one.stack, one.stack.workers), trained.get(one.stack.id)
        took = one.end - one.start - (0 if before is None else RESTART_SECONDS)
        trained[one.stack.id] = (before or 0) + took / whole if whole else 1
        if one.restarts:
            continue
        assert trained[one.stack.id] == pytest.approx(1)
        for unit in one.stack.todo:
            assert unit.key not in ended
            ended[unit.key] = one.end
    assert ended.keys() == plan.units.keys() - plan.done
    for one in run.ran:
        needed = {key for unit in one.stack.members for key in plan.depends_on[unit.key]} - plan.done
        assert all(ended[key] <= one.start for key in needed)
        busy = sum(other.stack.workers for other in run.ran if other.start <= one.start < other.end)
        assert busy <= run.slots
    bound = bound_of(plan, seconds)
    assert run.makespan >= 0.999999 * bound.seconds(run.slots)
    if not any(one.restarts for one in run.ran):
        assert run.makespan >= 0.999999 * bound.strict_seconds(run.slots)
    assert bound.strict_seconds(run.slots) >= 0.999999 * bound.seconds(run.slots)


@pytest.mark.parametrize(("model", "precision"), [(accelerator, "bf16"), (assumed, "bf16"), (assumed, "fp32")])
@pytest.mark.parametrize(("gpus", "above"), [(8, 0.1), (64, 0.2)])
def test_the_papers_grid_is_near_its_lower_bound(
    tmp_path: Path, model: Callable[[Plan], Seconds], precision: str, gpus: int, above: float
) -> None:
    plan = paper_grid(tmp_path, precision)
    seconds = model(plan)
    run = simulate(plan, gpus, seconds)
    check(plan, run, seconds)
    assert run.makespan <= (1 + above) * bound_of(plan, seconds).seconds(gpus)


def test_one_slot_is_always_busy_with_the_stacks_that_were_packed(tmp_path: Path) -> None:
    plan = paper_grid(tmp_path)
    run = simulate(plan, 1, assumed(plan))
    assert {one.stack.id for one in run.ran} == {stack.id for stack in plan.stacks}
    assert run.utilisation == pytest.approx(1)


def test_short_stacks_keep_their_shape_however_many_slots_there_are(tmp_path: Path) -> None:
    plan, _ = planned(small_sweep(tmp_path, resources={"max_workers": 8}))
    run = simulate(plan, 64, lambda stack, workers: 50.0 / workers)
    assert {one.stack.id for one in run.ran} == {stack.id for stack in plan.stacks}
    assert all(one.stack.workers == 1 for one in run.ran)


def test_long_stacks_are_cut_and_spread_where_slots_are_many(tmp_path: Path) -> None:
    plan, _ = planned(small_sweep(tmp_path, resources={"max_workers": 4}))

    def seconds(stack: Stack, workers: int) -> float:
        return 1.0 if stack.members[0].config is None else 100 + 1000 * len(stack.members) / workers

    run = simulate(plan, 64, seconds)
    check(plan, run, seconds)
    assert all(len(one.stack.members) == 1 for one in run.ran if one.stack.members[0].config is not None)
    assert max(one.stack.workers for one in run.ran) == 4
    assert run.makespan == pytest.approx(bound_of(plan, seconds).critical_seconds)


def test_a_member_does_not_wait_for_a_slow_neighbours_source(tmp_path: Path) -> None:
    plan, _ = planned(small_sweep(tmp_path, methods=["prompt_tuning", "pot"], metrics=[]))

    def seconds(stack: Stack, workers: int) -> float:
        slow = stack.members[0].method == "prompt_tuning" and stack.members[0].task == "kinds"
        return 10_000.0 if slow else 400.0 + 600 * len(stack.members)

    run = simulate(plan, 2, seconds)
    check(plan, run, seconds)
    starts = {one.stack.members[0].sources: one.start for one in run.ran if one.stack.members[0].method == "pot"}
    assert starts["review",] < 10_000 <= starts["kinds",]


def test_a_stack_that_has_a_checkpoint_keeps_its_members(tmp_path: Path) -> None:
    plan, store = planned(small_sweep(tmp_path))
    wide = next(stack for stack in plan.stacks if len(stack.members) > 1 and stack.members[0].config is not None)
    store.checkpoints.of(wide.keys).save(b"state")
    plan, _ = planned(plan.sweep)

    def seconds(stack: Stack, workers: int) -> float:
        return 1000.0 * len(stack.members)

    assert wide in [one.stack for one in simulate(plan, 64, seconds).ran]


@pytest.mark.parametrize("order", range(30))
def test_any_graph_runs_once_in_order_and_not_faster_than_possible(tmp_path: Path, order: int) -> None:
    chance = random.Random(order)
    plan = random_plan(tmp_path, chance)
    weights: dict[str, int] = {task: chance.choice([1, 10, 100, 1000]) for task in "abcd"}
    start, spread = chance.choice([0, 20]), chance.choice([0.5, 0.9, 1.0])

    def seconds(stack: Stack, workers: int) -> float:
        return start + weights[stack.members[0].task] * (3 + len(stack.members)) / float(workers**spread)

    for slots in (1, 3, 17):
        check(plan, simulate(plan, slots, seconds), seconds)


@pytest.mark.parametrize("order", range(10))
def test_estimates_that_are_wrong_delay_a_run_but_do_not_break_it(tmp_path: Path, order: int) -> None:
    plan = paper_grid(tmp_path, "fp32")
    right = assumed(plan)

    def wrong(stack: Stack, workers: int) -> float:
        return float(right(stack, workers)) * random.Random(f"{order} {stack.members[0].key} {workers}").uniform(
            0.6, 1.4
        )

    run = simulate(plan, 16, wrong)
    assert sum(len(one.stack.todo) for one in run.ran if not one.restarts) == len(plan.units)
    assert run.makespan < 1.3 * bound_of(plan, right).seconds(16)


def random_plan(storage: Path, chance: random.Random) -> Plan:
    """Units of four tasks that depend on random earlier ones, some of them done."""
    units: dict[str, Unit] = {}
    depth: dict[str, int] = {}
    done: set[str] = set()
    for seed in range(chance.choice([1, 5, 60])):
        needed = chance.sample(sorted(units), min(len(units), chance.choice([0, 1, 1, 3])))
        roles: tuple[Role, ...] = ("source_prompt", "teacher", "prompt")
        unit = Unit(
            "train",
            "pot",
            1,
            BackboneRef("tiny", "local:0"),
            DataRef(chance.choice("abcd"), "f", 1),
            seed,
            config=TrainConfig(lr=1e-3, batch_size=16, epochs=2),
            dependencies={role: (key,) for role, key in zip(roles, needed, strict=False)},
        )
        units[unit.key] = unit
        depth[unit.key] = 1 + max((depth[key] for key in needed), default=-1)
        if chance.random() < 0.1 and done.issuperset(needed):
            done.add(unit.key)
    empty, _ = planned(small_sweep(storage))
    sweep: Sweep = small_sweep(storage, resources={"max_workers": chance.choice([1, 4])})
    stacks = pack(units, depth, done, {}, chance.choice([1, 4, 16]), {})
    return replace(empty, sweep=sweep, units=units, done=frozenset(done), stacks=stacks)
