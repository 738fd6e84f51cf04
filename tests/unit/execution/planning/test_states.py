"""States and stages of units, and what a changed sweep makes anew, on the plan of a small real sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panda_ray.execution.planning.changes import invalidated
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.planning.states import (
    State,
    cell_states,
    combined,
    count_cells,
    stages,
    states_of,
    stored_states,
)
from panda_ray.execution.store.store import Store
from panda_ray.tasks import get_task
from support.sweeps.small_sweeps import four_pairs


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Of a small sweep with a metric; nothing is trained."""
    return build_plan(four_pairs(tmp_path), Store(str(tmp_path)))


def source_key(plan: Plan, task: str) -> str:
    return next(key for key, unit in plan.units.items() if plan.role_of[key] == "source" and unit.task == task)


def record_of(plan: Plan, key: str, seconds: float) -> dict[str, Any]:
    unit = plan.units[key]
    return {"key": key, "product": unit.product, "identity": unit.identity, "seconds": seconds}


def test_a_failed_source_blocks_what_builds_on_it(plan: Plan) -> None:
    states = states_of(plan, running=(), failed={source_key(plan, "review")})
    assert count_cells(cell_states(plan, states)) == {
        "done": 0,
        "running": 0,
        "failed": 0,
        "blocked": 2,
        "stopped": 0,
        "waiting": 4,
    }
    counted = stages(plan, states)
    assert list(counted) == ["source prompts", "embeddings", "prompt_tuning", "pot"]
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


def test_a_changed_setting_is_named_with_what_it_costs(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    before = build_plan(four_pairs(tmp_path), store)
    records = [record_of(before, key, seconds=2.0) for key in before.units]
    after = build_plan(four_pairs(tmp_path, tasks={"review": {"epochs": 99}}), store)
    usual = get_task("review").hyperparameters.epochs
    assert invalidated(after, records) == {("config.epochs", usual, 99): 1, ("dependencies", "", ""): 3}
    assert invalidated(before, records) == {}
