"""The tables of a summary run say of a grid what the scores say."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.tracking.writing.summary_tables import BEST_FILE, LEADERBOARD_FILE, TRANSFER_FILE, summary_tables
from support.sweeps.tracked import make_sweep


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return build_plan(make_sweep(tmp_path), Store(str(tmp_path)))


@pytest.fixture
def scores(plan: Plan) -> dict[str, float]:
    """60 without transfer, 70 from `review`, 80 from `follows`; a second seed of three more; PanDa has none yet."""
    known = {"": 60.0, "review": 70.0, "follows": 80.0}
    return {
        cell.key: known["+".join(cell.sources)] + (3.0 if cell.seed == 12 else 0.0)
        for cell in plan.cells
        if not cell.method.startswith("PanDa")
    }


def test_the_best_source_of_each_target_stands_beside_the_second(plan: Plan, scores: dict[str, float]) -> None:
    best = summary_tables(plan.cells, scores)[BEST_FILE]
    assert best.to_dict("records") == [
        {
            "target": target,
            "method": "pot",
            "sources": "follows",
            "mean": 81.5,
            "deviation": pytest.approx(2.1213203),
            "seeds": 2,
            "second": "review",
            "second_mean": 71.5,
        }
        for target in ("remark", "choice")
    ]


def test_the_leaderboard_ranks_within_target_and_method_in_the_sweeps_order(
    plan: Plan, scores: dict[str, float]
) -> None:
    board = summary_tables(plan.cells, scores)[LEADERBOARD_FILE]
    assert board[["target", "method", "sources", "rank"]].to_numpy().tolist() == [
        [target, method, sources, rank]
        for target in ("remark", "choice")
        for method, sources, rank in (("prompt_tuning", "", 1), ("pot", "follows", 1), ("pot", "review", 2))
    ]


def test_the_transfer_table_has_a_row_per_source_and_a_column_per_target(plan: Plan, scores: dict[str, float]) -> None:
    transfer = summary_tables(plan.cells, scores)[TRANSFER_FILE]
    assert list(transfer.columns) == ["method", "sources", "remark", "choice"]
    assert transfer.to_numpy().tolist() == [
        ["prompt_tuning", "", 61.5, 61.5],
        ["pot", "review", 71.5, 71.5],
        ["pot", "follows", 81.5, 81.5],
    ]


def test_nothing_done_is_nothing_to_show(plan: Plan) -> None:
    assert all(table.empty for table in summary_tables(plan.cells, {}).values())
