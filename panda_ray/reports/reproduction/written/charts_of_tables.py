"""A table of a figure as a drawing."""

from __future__ import annotations

from panda_ray.reports.figures.drawing import Drawing
from panda_ray.reports.figures.heatmaps import similarity_map
from panda_ray.reports.figures.paper_charts import bars_chart, curves_chart
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.paper_table import Entry, Table
from panda_ray.reports.reproduction.titles import title as shown
from panda_ray.reports.reproduction.written.writing import without_number

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
    heading = without_number(title)
    heading = heading[:1].upper() + heading[1:]
    if artefact.chart == "map":
        return _map(name, heading, table, rows)
    columns = list(map(shown, _columns(table)))
    caption = f"{heading}. {_seeds(table)}"
    if artefact.chart == "bars":
        return bars_chart(name, heading, columns, rows, artefact.drawn, caption)
    return curves_chart(name, heading, columns, rows, artefact.drawn, caption, artefact.over)


def _seeds(table: Table) -> str:
    """What error bars are, and of how many seeds."""
    counts = sorted({entry.value.n for entry in table.entries if entry.value})
    if counts[-1] == 1:
        return "One seed, and so no error bars."
    most = f"{counts[-1]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
    return f"Means of {most} seeds; error bars are standard deviations over them."


def _map(name: str, heading: str, table: Table, rows: dict[str, _Row]) -> Drawing:
    targets = list(map(shown, table.columns))
    pairs = {
        (source, target): value[0]
        for source, values in rows.items()
        for target, value in zip(targets, values, strict=True)
        if value is not None
    }
    sources = [shown(line.names[0]) for line in table.lines]
    groups = {shown(task): shown(group) for task, group in table.groups.items()}
    return similarity_map(name, heading, pairs, sources, targets, groups)


def _columns(table: Table) -> list[str]:
    """Those of numbers, as all rows have them."""
    kinds = zip(table.columns, table.lines[0].entries, strict=True)
    return [column for column, entry in kinds if isinstance(entry, Entry)]


def _rows(table: Table) -> dict[str, _Row]:
    """Those that have numbers."""
    rows = {
        " ".join(map(shown, line.names)): [
            (entry.value.mean, entry.value.std) if entry.value else None
            for entry in line.entries
            if isinstance(entry, Entry)
        ]
        for line in table.lines
    }
    return {name: values for name, values in rows.items() if any(values)}
