"""The HTML report: one file with its styles, figures and script inside, which asks nothing of any other host.

Its Content-Security-Policy names the script by its hash, so that no other runs, whatever the study's texts are.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

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
from panda_ray.reports.html_page.drawer import cases, finished, trainings
from panda_ray.reports.numbers.analysis import Analysis
from panda_ray.reports.numbers.tables import Row
from panda_ray.reports.numbers.turned_items import NO_ROWS, DevRows
from panda_ray.tracking.reading.study import Study

_SCRIPTS = ("tables.js", "drawer.js", "begin.js")
"""Parts of the one script, in order."""


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


def render(
    study: Study, sections: Sequence[Section], findings: Sequence[str], rows: Mapping[str, DevRows] = NO_ROWS
) -> str:
    """The whole page. Every value is escaped; only our own SVG is not.

    Args:
        rows: by target, as far as they may be shown.
    """
    environment = Environment(
        loader=PackageLoader("panda_ray.reports.html_page", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "signed": signed,
        "interval": interval_text,
        "mean_std": mean_std,
        "printed": lambda value: number(value, 1),
        "optional": lambda value, digits=2: ABSENT if value is None else number(value, digits),
    }
    script = "".join(
        files("panda_ray.reports.html_page").joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS
    )
    return environment.get_template("report.html.j2").render(
        study=study,
        sections=sections,
        findings=findings,
        finished=finished(study),
        trainings=trainings(study),
        cases=cases(study, [section.analysis for section in sections], rows),
        script=script,
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
