"""Figure 4 as the numbers that it draws: PanDa's score over lambda, per pair."""

from __future__ import annotations

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes, Numbers
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title

_LABELS = {
    "0.01": "panda-0.01",
    "0.05": "panda",
    "0.1": "panda-0.1",
    "0.5": "panda-0.5",
    "1": "panda-1",
    "5": "panda-5",
}
"""lambda to the label of the sweep; PanDa's own is 0.05."""


def _layout(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone."""
    backbone = axes.backbones[0]
    return Table(
        name_columns=("pair",),
        columns=tuple(_LABELS),
        lines=tuple(
            Line(
                (f"{title(source)} to {title(target)}",),
                tuple(Entry(numbers.score(backbone, label, source, target)) for label in _LABELS.values()),
            )
            for source in axes.sources
            for target in axes.targets
        ),
        notes=("The columns are lambda. The paper's text does not say which pairs its figure shows.",),
    )


ARTEFACTS = (
    Artefact(
        "figure4", "Figure 4: PanDa by lambda", "paper/figure4", _layout, per=("backbones",), chart="curves", over="λ"
    ),
)
