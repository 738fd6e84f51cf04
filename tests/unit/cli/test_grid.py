"""What is drawn and said of a plan, on that of a small real sweep; nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.cli.drawing.grid import render_grid
from panda_ray.cli.wording.words import describe_change, duration
from panda_ray.execution.planning.changes import Change
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.planning.states import cell_states, states_of
from panda_ray.execution.store.store import Store
from support.sweeps.small_sweeps import four_pairs


def test_grid_has_a_row_per_source_and_a_column_per_target(tmp_path: Path) -> None:
    plan = build_plan(four_pairs(tmp_path), Store(str(tmp_path)))
    source = next(key for key, unit in plan.units.items() if plan.role_of[key] == "source" and unit.task == "review")
    states = states_of(plan, running=(), failed={source})
    for cell in plan.cells:
        if cell.sources == ("rating",) and cell.target == "remark":
            states[cell.key] = "done"
    lines = render_grid(
        cell_states(plan, states), plan.sweep.source_tasks, plan.sweep.targets, "builtin-tiny"
    ).plain.splitlines()
    rows = {line.split("  ")[0].strip(): line[13:].split() for line in lines[-3:]}
    assert rows == {"(no source)": ["·", "·"], "review": ["!", "!"], "rating": ["■", "·"]}
    assert lines[0].split() == ["prompt_tuning", "pot"]
    assert [line[14:17] for line in lines[1:7]] == ["r d", "e u", "m p", "a l", "r i", "k c"], "names run downwards"


@pytest.mark.parametrize(
    ("change", "units", "said"),
    [
        (Change("config.epochs", 8, 99), 1, "config.epochs: 8 -> 99 (1 unit)"),
        (Change("dependencies", "", ""), 3, "results that they build on changed (3 units)"),
        (
            Change("data.fingerprint", "a" * 64, "b" * 64),
            2,
            f"data.fingerprint: {'a' * 14}... -> {'b' * 14}... (2 units)",
        ),
    ],
)
def test_a_changed_setting_is_named_with_what_it_costs(change: Change, units: int, said: str) -> None:
    assert describe_change(change, units) == said


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (12000, "3 h 20 min")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
