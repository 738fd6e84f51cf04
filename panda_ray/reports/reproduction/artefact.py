"""One table of the paper as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    """

    id: str
    title: str
    sweep: str | None
    layout: Layout
