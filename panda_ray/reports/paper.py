"""The paper's printed numbers, read from the CSV files that the package ships (see paper/README.md).

The paper's `p_tuning_v2` is our prompt tuning (a deep prefix without transfer), its `vanilla_pot` our PoT.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "paper"

TABLES = {
    "bert-large": "table2_bert_large",
    "bert-base": "table13_bert_base",
    "bert-medium": "table14_bert_medium",
    "bert-small": "table15_bert_small",
    "bert-tiny": "table16_bert_tiny",
}
"""Backbone to the file (and table) of its grid."""

METHODS = {"prompt_tuning": "p_tuning_v2", "pot": "vanilla_pot", "panda": "panda"}
"""Our method's name to the paper's row name."""


def paper_rows(name: str) -> list[dict[str, str]]:
    """The rows of a file, by its name without the ending."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _order(task_column: str) -> list[str]:
    return list(dict.fromkeys(row[task_column] for row in paper_rows(TABLES["bert-large"]) if row[task_column]))


TARGET_ORDER: tuple[str, ...] = tuple(_order("target"))
"""Columns of Table II, left to right."""

SOURCE_ORDER: tuple[str, ...] = tuple(_order("source"))
"""Rows of Table II, top to bottom."""


@dataclass(frozen=True)
class PaperCell:
    """One printed score in percent, and what `errata.csv` says about it ("" if nothing)."""

    score: float
    erratum: str


@lru_cache
def _errata() -> dict[tuple[str, str, str, str], str]:
    """Notes by table, method, source ("" without transfer) and target ("all" for a whole row)."""
    notes = {}
    for row in paper_rows("errata"):
        for source in row["row"].split("+"):
            notes[(row["table"], row["method"], source, row["column"])] = row["note"]
    return notes


@lru_cache
def paper_cells(backbone: str) -> dict[tuple[str, str, str], PaperCell]:
    """The paper's grid of a backbone by (its method name, source or "", target); empty for any other backbone."""
    table = TABLES.get(backbone)
    if table is None:
        return {}
    cells = {}
    for row in paper_rows(table):
        name = (row["method"], row["source"], row["target"])
        erratum = _errata().get((table, *name)) or _errata().get((table, row["method"], row["source"], "all"), "")
        cells[name] = PaperCell(float(row["score"]), erratum)
    return cells
