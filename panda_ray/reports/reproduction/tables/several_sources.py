"""Table IV: what several sources give together, beside the mean of what they give one by one."""

from __future__ import annotations

from collections.abc import Sequence

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import COLLAPSED_NOTE, Axes, Numbers, average, collapsed_of
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title
from panda_ray.reports.reproduction.value import Value, difference, mean_of

_TOGETHER = ("attempt", "sesom", "panda-early", "panda-late")


def _layout(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone."""
    backbone, targets = axes.backbones[0], axes.targets
    base = average(numbers, backbone, "prompt_tuning", "", targets)

    def line(setting: str, method: str, mean: Value | None, sources: Sequence[str]) -> Line:
        fell = collapsed_of(numbers, (backbone,), method, sources, targets)
        return Line((setting, title(method)), (Entry(mean), Entry(difference(mean, base)), fell))

    def one_by_one(method: str) -> Value | None:
        return mean_of(average(numbers, backbone, method, source, targets) for source in axes.sources)

    return Table(
        name_columns=("sources", "method"),
        columns=("average", "gain", "collapsed"),
        lines=(
            Line(("none", title("prompt_tuning")), (Entry(base), "", "")),
            *(line("one, mean", method, one_by_one(method), axes.sources) for method in ("pot", "panda")),
            *(
                line("all", method, average(numbers, backbone, method, axes.together, targets), [axes.together])
                for method in _TOGETHER
            ),
        ),
        notes=("Gain: over prompt tuning (P-tuning v2).", COLLAPSED_NOTE),
    )


ARTEFACTS = (Artefact("table4", "Table IV: several sources", "paper/table4", _layout, per=("backbones",)),)
