"""Table XII: what a method trains, and how long its whole chain takes, the source included."""

from __future__ import annotations

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes, Numbers
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title

_METHODS = ("model_tuning", "prompt_tuning", "pot", "panda")


def _layout(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone."""
    backbone = axes.backbones[0]

    def line(method: str) -> Line:
        parameters, seconds = (numbers.stated(name, backbone, method) for name in ("parameters", "seconds"))
        return Line((title(method),), (Entry(parameters, 2), Entry(seconds)))

    return Table(
        name_columns=("method",),
        columns=("trainable parameters (M)", "seconds"),
        lines=tuple(map(line, _METHODS)),
        notes=(
            "STS-B for 10 epochs, from MNLI after one, which the seconds of both transfers include.",
            "The printed seconds are of one A100.",
        ),
    )


ARTEFACTS = (Artefact("table12", "Table XII: parameters and seconds", "paper/table12", _layout, per=("backbones",)),)
