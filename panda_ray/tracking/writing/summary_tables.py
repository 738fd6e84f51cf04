"""Tables of a summary run that MLflow's pages show as tables: which source is the best, every mean, sources by targets.

They have the layout and the mark of MLflow's `log_table`, which itself adds rows to a table that is there already and
so cannot write one again. Means are over the seeds that are done, in percent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from panda_ray.execution.units.cells import Cell
from panda_ray.sweep import sources_text

TABLES_TAG = "mlflow.loggedArtifacts"
"""Of a run, as JSON: its files that are tables."""

BEST_FILE = "tables/best_sources.json"
LEADERBOARD_FILE = "tables/leaderboard.json"
TRANSFER_FILE = "tables/transfer.json"


def summary_tables(cells: Iterable[Cell], scores: Mapping[str, float]) -> dict[str, pd.DataFrame]:
    """The tables of one backbone, by file.

    Args:
        cells: of a plan; those without a score are left out.
        scores: of finished cells of the backbone, by key.
    """
    means = _means(cells, scores)
    board = _leaderboard(means)
    best = board[(board["sources"] != "") & (board["rank"] == 1)]
    second = board[(board["sources"] != "") & (board["rank"] == 2)].drop_duplicates(["target", "method"])
    beside = second[["target", "method", "sources", "mean"]].rename(
        columns={"sources": "second", "mean": "second_mean"}
    )
    transfer = means.pivot_table(index=["method", "sources"], columns="target", values="mean", sort=False)
    return {
        BEST_FILE: best.drop(columns="rank").merge(beside, how="left", on=["target", "method"]),
        LEADERBOARD_FILE: board,
        TRANSFER_FILE: transfer.reset_index(),
    }


def table_mark(files: Collection[str]) -> list[dict[str, Any]]:
    """What the tag says, as data."""
    return [{"path": file, "type": "table"} for file in files]


def _means(cells: Iterable[Cell], scores: Mapping[str, float]) -> pd.DataFrame:
    """In the order of the sweep's cells."""
    rows = [
        (cell.target, cell.method, sources_text(cell.sources), scores[cell.key]) for cell in cells if cell.key in scores
    ]
    frame = pd.DataFrame(rows, columns=["target", "method", "sources", "score"])
    scores_of = frame.groupby(["target", "method", "sources"], sort=False)["score"]
    return scores_of.agg(mean="mean", deviation="std", seeds="count").reset_index()


def _leaderboard(means: pd.DataFrame) -> pd.DataFrame:
    """Within each target and method, which stay in their order, the best mean first; several may share a rank."""
    rank = (
        means.groupby(["target", "method"])["mean"].rank(ascending=False, method="min", na_option="bottom").astype(int)
    )
    board = means.assign(rank=rank)
    order = {name: pd.Categorical(board[name], board[name].unique()) for name in ("target", "method")}
    index = board.assign(**order).sort_values(["target", "method", "rank"], kind="stable").index
    return board.loc[index].reset_index(drop=True)
