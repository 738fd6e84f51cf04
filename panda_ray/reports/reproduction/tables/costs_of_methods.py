"""Table XII: what a method trains, and how long its whole chain takes, the source included."""

from __future__ import annotations

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes, Numbers
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title

_IS_TRANSFER = {"model_tuning": False, "prompt_tuning": False, "pot": True, "panda": True}


def _layout(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone, from the first source to the first target."""
    backbone, source, target = axes.backbones[0], axes.sources[0], axes.targets[0]

    def line(method: str, is_transfer: bool) -> Line:
        cell = (backbone, method, source if is_transfer else "", target)
        return Line(
            (title(method),),
            (
                Entry(numbers.cost("parameters", *cell), 2),
                Entry(numbers.cost("seconds", *cell)),
                Entry(numbers.cost("memory", *cell), 2),
            ),
        )

    return Table(
        name_columns=("method",),
        columns=("trainable parameters (M)", "seconds", "peak memory (GiB)"),
        lines=tuple(line(method, is_transfer) for method, is_transfer in _IS_TRANSFER.items()),
        notes=(
            f"{title(target)} alone, or from {title(source)}: what is measured is of the whole chain, every training "
            "before the last one too. The paper's numbers of PanDa leave no room for a target-like teacher and for the "
            "prompt of the target that the similarity is read from, which ours count.",
            "Seconds are of the trainings, without reading models and rows. The printed ones are of one A100; a member "
            "of a wide stack takes less than one that trains alone.",
        ),
    )


ARTEFACTS = (Artefact("table12", "Table XII: parameters and seconds", "paper/table12", _layout, per=("backbones",)),)
