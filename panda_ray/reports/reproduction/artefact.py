"""One table or figure of the paper as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

from panda_ray.reports.reproduction.asked import Axes, Numbers
from panda_ray.reports.reproduction.paper_table import Table
from panda_ray.reports.reproduction.titles import title

MEAN_OF_TARGETS = "mean score of the targets (%)"

Layout = Callable[[Numbers, Axes], Table]


@dataclass(frozen=True)
class Artefact:
    """What is asked for by its name.

    Attributes:
        id: `table4`.
        title: what it shows, for people.
        sweep: the shipped sweep with the cells that it needs, and with its axes; None for what nothing runs for.
        layout: its rows and columns.
        per: the layout shows the first of these alone, so that each has a table of its own.
        chart: what is drawn of the layout: a group or point per column and a series per row, or a map of tasks by
            group; None for a table.
        drawn: what the numbers of bars and curves are.
        over: what the values below curves are.
    """

    id: str
    title: str
    sweep: str | None
    layout: Layout
    per: tuple[Literal["backbones", "sources", "targets", "metrics"], ...] = ()
    chart: Literal["bars", "curves", "map"] | None = None
    drawn: str = "score (%)"
    over: str = ""

    def tables(self, numbers: Numbers, axes: Axes) -> dict[str, Table]:
        """By title."""
        found = {}
        for names in product(*(getattr(axes, axis) for axis in self.per)):
            alone: dict[str, Any] = {axis: (name,) for axis, name in zip(self.per, names, strict=True)}
            found[", ".join((self.title, *map(title, names)))] = self.layout(numbers, replace(axes, **alone))
        return found
