"""Table XI: transfer from one source on backbones of other families."""

from __future__ import annotations

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import COLLAPSED_NOTE, Axes, Numbers, average, collapsed
from panda_ray.reports.reproduction.paper_table import Line, Table, scored
from panda_ray.reports.reproduction.titles import title


def _layout(numbers: Numbers, axes: Axes) -> Table:
    return Table(
        name_columns=("backbone", "method"),
        columns=(*axes.targets, "average", "collapsed"),
        lines=tuple(line for backbone in axes.backbones for line in _lines(numbers, backbone, axes)),
        notes=("Beside an average: the gain over prompt tuning (P-tuning v2).", COLLAPSED_NOTE),
    )


def _lines(numbers: Numbers, backbone: str, axes: Axes) -> list[Line]:
    source, targets = axes.sources[0], axes.targets
    of = {"model_tuning": "", "prompt_tuning": "", "pot": source, "panda": source}
    cells = {method: [numbers.score(backbone, method, s, target) for target in targets] for method, s in of.items()}
    means = {method: average(numbers, backbone, method, s, targets) for method, s in of.items()}
    base = cells["prompt_tuning"]
    return [
        scored(
            (backbone, title(method)),
            cells[method],
            means[method],
            means["prompt_tuning"] if s else None,
            collapsed(cells[method], base) if s else "",
        )
        for method, s in of.items()
    ]


ARTEFACTS = (Artefact("table11", "Table XI: backbones of other families", "paper/table11", _layout),)
