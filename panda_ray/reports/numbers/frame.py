"""From single cells to what a table shows: seeds aggregated as mean, standard deviation and n."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from panda_ray.reports.numbers.over_seeds import OverSeeds
from panda_ray.reports.paper import SOURCE_ORDER, TARGET_ORDER
from panda_ray.tracking.reading.study import SCORE_COLUMNS, Study

TEXT_COLUMNS = ("backbone", "method", "source", "sources", "target", "metric", "measure", "key")
"""Columns of the CSV files that hold names; the others hold numbers."""

PROTOCOL_COLUMNS = {"paper": "score_paper", "honest": "score_honest"}


@dataclass(frozen=True)
class Aggregate(OverSeeds):
    """One cell over its seeds, in percent.

    Attributes:
        keys: unit per seed.
        expected: seeds that the sweep asks for.
    """

    keys: Mapping[int, str]
    expected: int


CellName = tuple[str, str, str]
"""Method label, sources ("" without transfer, `a+b` for several), target."""

Grid = Mapping[CellName, Aggregate]
"""One backbone's finished cells; a cell without any score is absent."""


def grid_of(study: Study, backbone: str, column: str = "score") -> Grid:
    """The finished cells of one backbone, aggregated over seeds.

    Args:
        column: which score: `score` (the sweep's protocol), `score_first_epoch`, `score_paper`, ...
    """
    names = ["method", "sources", "target"]
    cells = study.cells[study.cells["backbone"] == backbone]
    expected = cells.groupby(names).size().to_dict()
    finished = study.scores[study.scores["backbone"] == backbone]
    grid: dict[CellName, Aggregate] = {}
    for name, rows in finished.groupby(names, sort=False):
        method, sources, target = name
        grid[(str(method), str(sources), str(target))] = Aggregate(
            by_seed=dict(zip(rows["seed"], rows[column], strict=True)),
            keys=dict(zip(rows["seed"], rows["key"], strict=True)),
            expected=int(expected[name]),
        )
    return grid


def in_paper_order(tasks: Sequence[str], order: Sequence[str]) -> list[str]:
    """The tasks as the paper's tables list them if all of them are the paper's, else as they are."""
    return sorted(tasks, key=order.index) if set(tasks) <= set(order) else list(tasks)


def targets_of(study: Study) -> list[str]:
    """Columns of the study's tables: the targets that have cells."""
    present = set(study.cells["target"])
    return in_paper_order([task for task in study.targets if task in present], TARGET_ORDER)


def sources_of(study: Study) -> list[str]:
    """Rows of the maps of similarity: the sources that have cells of their own, or a predicted similarity."""
    return _present(study, {*study.cells["sources"], *study.similarity["source"]})


def single_sources_of(study: Study) -> list[str]:
    """Rows of single transfers, in tables and maps of gains: the sources that some cell has alone."""
    return _present(study, set(study.cells["sources"]))


def _present(study: Study, present: Collection[str]) -> list[str]:
    return in_paper_order([task for task in study.sources if task in present], SOURCE_ORDER)


def without_sources(study: Study) -> list[str]:
    """Labels of the methods whose cells have no source, in the order of the sweep."""
    transferred = set(study.cells[study.cells["sources"] != ""]["method"])
    present = set(study.cells["method"]) - transferred
    return [label for label in study.methods if label in present]


def lists_of(study: Study) -> dict[str, list[str]]:
    """Per method that takes several sources, by its label: the lists that its cells have, as text."""
    several = study.cells[~study.cells["sources"].isin(["", *study.sources])]
    return {str(label): list(dict.fromkeys(rows["sources"])) for label, rows in several.groupby("method", sort=False)}


def scores_csv(study: Study) -> pd.DataFrame:
    """One row per finished cell, for `scores.csv`."""
    columns = [column for column in SCORE_COLUMNS if column not in PROTOCOL_COLUMNS.values()]
    return study.scores[columns].sort_values(["backbone", "method", "sources", "target", "seed"])


def similarity_csv(study: Study) -> pd.DataFrame:
    """One row per pair and metric: mean over seeds, and how many seeds and how much they differ."""
    names = ["backbone", "metric", "source", "target"]
    grouped = study.similarity.groupby(names, sort=False)["similarity"]
    return grouped.agg(similarity="mean", n="count", std="std").reset_index()
