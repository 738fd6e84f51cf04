"""Figure 2, right: prompt tuning by how its prompt starts, per target."""

from __future__ import annotations

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import COLLAPSED_NOTE, Axes, Numbers, average, collapsed
from panda_ray.reports.reproduction.paper_table import Line, Table, scored

_LABELS = {
    "prompt_tuning": "normal",
    "prompt_tuning-sparse": "sparse",
    "prompt_tuning-zeros": "constant 0",
}
"""Label of the sweep to the initialisation."""


def _layout(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone."""
    backbone, targets = axes.backbones[0], axes.targets

    def line(label: str, start: str) -> Line:
        cells, base = (
            [numbers.score(backbone, method, "", target) for target in targets] for method in (label, "prompt_tuning")
        )
        mean = average(numbers, backbone, label, "", targets)
        return scored((start,), cells, mean, fell="" if label == "prompt_tuning" else collapsed(cells, base))

    return Table(
        name_columns=("start",),
        columns=(*targets, "average", "collapsed"),
        lines=tuple(line(label, start) for label, start in _LABELS.items()),
        notes=(COLLAPSED_NOTE,),
    )


ARTEFACTS = (
    Artefact(
        "figure2",
        "Figure 2, right: prompt tuning by how the prompt starts",
        "paper/figure2",
        _layout,
        per=("backbones",),
        chart="bars",
    ),
)
