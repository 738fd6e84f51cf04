"""Figure 6: what else may be tuned instead of a deep prompt, alone and with PanDa, averaged over the targets."""

from __future__ import annotations

from panda_ray.reports.reproduction.artefact import MEAN_OF_TARGETS, Artefact
from panda_ray.reports.reproduction.asked import Axes, Numbers, average, collapsed
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title

_WITH_PANDA = {
    "model_tuning": None,
    "houlsby": "panda-houlsby",
    "prefix_mlp": "panda-prefix_mlp",
    "prompt_tuning": "panda",
}
"""A method to the label of PanDa with it as the student; nothing is transferred to a model as a whole."""


def _layout(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone and the first source."""
    backbone, source, targets = axes.backbones[0], axes.sources[0], axes.targets

    def mean(label: str | None, sources: str) -> Entry:
        return Entry(None if label is None else average(numbers, backbone, label, sources, targets))

    def fell(label: str | None, alone: str) -> str:
        if label is None:
            return ""
        cells, base = (
            [numbers.score(backbone, method, of, target) for target in targets]
            for method, of in ((label, source), (alone, ""))
        )
        return collapsed(cells, base)

    return Table(
        name_columns=("setting",),
        columns=tuple(map(title, _WITH_PANDA)),
        lines=(
            Line(("alone",), tuple(mean(label, "") for label in _WITH_PANDA)),
            Line(("with PanDa",), tuple(mean(label, source) for label in _WITH_PANDA.values())),
            Line(("collapsed with PanDa",), tuple(fell(label, alone) for alone, label in _WITH_PANDA.items())),
        ),
        notes=(
            f"PanDa from {title(source)}.",
            "Collapsed: cells more than 10 points below the same method alone, of all that a column is over.",
        ),
    )


ARTEFACTS = (
    Artefact(
        "figure6",
        "Figure 6: other methods, alone and with PanDa",
        "paper/figure6",
        _layout,
        per=("backbones",),
        chart="bars",
        drawn=MEAN_OF_TARGETS,
    ),
)
