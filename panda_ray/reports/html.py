"""The HTML report: one file with its styles and figures inside, which asks nothing of any other host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from panda_ray.reports.figures.drawing import Drawing
from panda_ray.reports.formatting import (
    ABSENT,
    best_means,
    interval_text,
    is_best,
    mean_std,
    number,
    signed,
    table_notes,
)
from panda_ray.reports.numbers.analysis import Analysis
from panda_ray.reports.numbers.tables import Row
from panda_ray.tracking.study import Study


@dataclass(frozen=True)
class Section:
    """One backbone's numbers and the figures that there are."""

    analysis: Analysis
    methods: Drawing | None
    gains: Drawing | None
    similarities: tuple[Drawing, ...]
    metrics: Drawing | None
    studies: tuple[Drawing, ...]

    @property
    def drawings(self) -> list[Drawing]:
        found = (*self.studies, self.methods, self.gains, *self.similarities, self.metrics)
        return [drawing for drawing in found if drawing]

    def is_best(self, row: Row, column: int) -> bool:
        return is_best(row, column, best_means(self.analysis.table.rows))

    @property
    def notes(self) -> list[str]:
        return table_notes(self.analysis.table)


def render(study: Study, sections: Sequence[Section], findings: Sequence[str]) -> str:
    """The whole page. Every value is escaped; only our own SVG is not."""
    environment = Environment(
        loader=PackageLoader("panda_ray.reports", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "signed": signed,
        "interval": interval_text,
        "mean_std": mean_std,
        "printed": lambda value: number(value, 1),
        "optional": lambda value, digits=2: ABSENT if value is None else number(value, digits),
    }
    return environment.get_template("report.html.j2").render(study=study, sections=sections, findings=findings)
