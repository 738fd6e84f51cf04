"""States, stages, the grid and the ETA, on the plan of a small real sweep; nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panda_ray.cli.changes import describe, invalidated
from panda_ray.cli.estimate import duration
from panda_ray.cli.grid import render_grid
from panda_ray.cli.progress import Progress
from panda_ray.cli.states import State, combined, count_cells, stages, states_of, stored_states
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.tasks import get_task
from panda_ray.training.stacked import EpochReport


def sweep(folder: Path, **changes: object) -> Sweep:
    described = {
        "name": "tiny",
        "storage": str(folder),
        "backbones": ["builtin-tiny"],
        "sources": ["review", "rating"],
        "targets": ["remark", "duplicate"],
        "methods": ["prompt_tuning", "pot"],
        "metrics": ["e_avg"],
        "seeds": [1],
    }
    return Sweep.model_validate(described | changes)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return build_plan(sweep(tmp_path), Store(str(tmp_path)))


def source_key(plan: Plan, task: str) -> str:
    return next(key for key, unit in plan.units.items() if plan.role_of[key] == "source" and unit.task == task)


def record_of(plan: Plan, key: str, seconds: float) -> dict[str, Any]:
    unit = plan.units[key]
    return {"key": key, "kind": unit.kind, "identity": unit.identity, "seconds": seconds}


def test_a_failed_source_blocks_what_builds_on_it(plan: Plan) -> None:
    states = states_of(plan, running=(), failed={source_key(plan, "review")})
    assert count_cells(plan, states) == {"done": 0, "running": 0, "failed": 0, "blocked": 2, "waiting": 4}
    counted = stages(plan, states)
    assert list(counted) == ["source prompts", "signatures", "prompt_tuning", "pot"]
    assert counted["source prompts"] == {"failed": 1, "waiting": 1}
    assert counted["pot"] == {"blocked": 2, "waiting": 2}


def test_states_come_from_the_store(plan: Plan, tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.failures.write(source_key(plan, "review"), "the loss became NaN")
    running = next(stack for stack in plan.stacks if stack.members[0].task == "remark")
    store.checkpoints.of(running.keys).save(b"state")
    states = stored_states(plan, store)
    assert states[source_key(plan, "review")] == "failed"
    assert {states[unit.key] for unit in running.members} == {"running"}


@pytest.mark.parametrize(
    ("states", "one"),
    [
        (["done", "done"], "done"),
        (["done", "waiting"], "waiting"),
        (["done", "running", "waiting"], "running"),
        (["blocked", "failed", "running"], "failed"),
    ],
)
def test_seeds_share_a_character(states: list[State], one: State) -> None:
    assert combined(states) == one


def test_grid_has_a_row_per_source_and_a_column_per_target(plan: Plan) -> None:
    states = states_of(plan, running=(), failed={source_key(plan, "review")})
    for cell in plan.cells:
        if cell.source == "rating" and cell.target == "remark":
            states[cell.key] = "done"
    lines = render_grid(plan, states, "builtin-tiny").plain.splitlines()
    rows = {line.split("  ")[0].strip(): line[13:].split() for line in lines[-3:]}
    assert rows == {"(no source)": ["·", "·"], "review": ["!", "!"], "rating": ["■", "·"]}
    assert lines[0].split() == ["prompt_tuning", "pot"]
    assert [line[14:17] for line in lines[1:7]] == ["r d", "e u", "m p", "a l", "r i", "k c"], "names run downwards"


def test_eta_follows_the_work_that_is_left(plan: Plan) -> None:
    now = [100.0]
    costs = Costs.of(plan, ())
    progress = Progress(plan, costs, clock=lambda: now[0])
    assert progress.eta is None
    total = sum(costs.seconds(stack).seconds for stack in plan.stacks)
    stack = next(stack for stack in plan.stacks if stack.members[0].kind == "train")
    work = costs.seconds(stack).seconds
    progress.start(stack)
    now[0] += 5.0
    progress.epoch(stack, EpochReport(epoch=1, epochs=2, losses=(), scores=(), examples_per_second=640.0))
    assert progress.examples_per_second == 640.0
    assert progress.eta == pytest.approx(5.0 * (total - work / 2) / (work / 2))
    now[0] += 5.0
    lasts = [progress.outcome(stack, Outcome(unit.key, "done")) for unit in stack.members]
    assert lasts == [False] * (len(lasts) - 1) + [True]
    assert progress.eta == pytest.approx(10.0 * (total - work) / work)
    assert progress.units_per_second == pytest.approx(len(stack.members) / 10)
    assert progress.examples_per_second == 0


def test_an_outcome_that_comes_twice_counts_once(plan: Plan) -> None:
    progress = Progress(plan, Costs.of(plan, ()), clock=iter(range(100)).__next__)
    stack = plan.stacks[0]
    progress.start(stack)
    for _ in range(2):
        progress.outcome(stack, Outcome(stack.members[0].key, "done"))
    assert progress.count("done") == 1
    assert progress.units_per_second <= 1


def test_a_changed_setting_is_named_with_what_it_costs(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    before = build_plan(sweep(tmp_path), store)
    records = [record_of(before, key, seconds=2.0) for key in before.units]
    after = build_plan(sweep(tmp_path, tasks={"review": {"epochs": 99}}), store)
    lines = [describe(change, count) for change, count in invalidated(after, records).items()]
    usual = get_task("review").hyperparameters.epochs
    assert sorted(lines) == [f"config.epochs: {usual} -> 99 (1 unit)", "results that they build on changed (3 units)"]
    assert invalidated(before, records) == {}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (12000, "3 h 20 min")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
