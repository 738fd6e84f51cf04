"""One table or figure of the paper as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from panda_ray.reports.reproduction.asked import Axes, Numbers
from panda_ray.reports.reproduction.paper_table import Table

Layout = Callable[[Numbers, Axes], Table]


@dataclass(frozen=True)
class Artefact:
    """What is asked for by its name.

    Attributes:
        id: `table4`.
        title: what it shows, for people.
        sweep: the shipped sweep with the cells that it needs, and with its axes; None for what nothing runs for.
        layout: its rows and columns.
        chart: what is drawn of the layout, a group or point per column and a series per row; None for a table.
        per_backbone: the layout shows the first backbone alone, so that each has a table of its own.
    """

    id: str
    title: str
    sweep: str | None
    layout: Layout
    per_backbone: bool = False
    chart: Literal["bars", "curves"] | None = None

    def tables(self, numbers: Numbers, axes: Axes) -> dict[str, Table]:
        """By title."""
        if not self.per_backbone:
            return {self.title: self.layout(numbers, axes)}
        return {
            f"{self.title}, {backbone}": self.layout(numbers, replace(axes, backbones=(backbone,)))
            for backbone in axes.backbones
        }
