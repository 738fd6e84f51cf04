"""A table of a figure as a drawing."""

from __future__ import annotations

from panda_ray.reports.figures.drawing import Drawing
from panda_ray.reports.figures.heatmaps import similarity_map
from panda_ray.reports.figures.paper_charts import bars_chart, curves_chart
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.paper_table import Entry, Table

_Row = list[tuple[float, float | None] | None]
"""A mean and its deviation per column."""


def drawn(artefact: Artefact, name: str, title: str, table: Table) -> Drawing | None:
    """The drawing of one table of an artefact; None for what is no figure, and where no number is ours.

    Args:
        name: of its files, without the ending.
    """
    rows = _rows(table)
    if artefact.chart is None or not rows:
        return None
    if artefact.chart == "map":
        return _map(name, title, table, rows)
    draw = bars_chart if artefact.chart == "bars" else curves_chart
    return draw(name, title, _columns(table), rows, artefact.drawn)


def _map(name: str, title: str, table: Table, rows: dict[str, _Row]) -> Drawing:
    pairs = {
        (source, target): value[0]
        for source, values in rows.items()
        for target, value in zip(_columns(table), values, strict=True)
        if value is not None
    }
    sources = [line.names[0] for line in table.lines]
    return similarity_map(name, title, pairs, sources, table.columns, table.groups)


def _columns(table: Table) -> list[str]:
    """Those of numbers, as all rows have them."""
    kinds = zip(table.columns, table.lines[0].entries, strict=True)
    return [column for column, entry in kinds if isinstance(entry, Entry)]


def _rows(table: Table) -> dict[str, _Row]:
    """Those that have numbers."""
    rows = {
        " ".join(line.names): [
            (entry.value.mean, entry.value.std) if entry.value else None
            for entry in line.entries
            if isinstance(entry, Entry)
        ]
        for line in table.lines
    }
    return {name: values for name, values in rows.items() if any(values)}
