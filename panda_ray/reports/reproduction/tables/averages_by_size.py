"""Table III: averages over the targets, one column per size of BERT."""

from __future__ import annotations

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import COLLAPSED_NOTE, Axes, Numbers, average, collapsed_of
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table, marked
from panda_ray.reports.reproduction.titles import title


def _layout(numbers: Numbers, axes: Axes) -> Table:
    rows = [(method, "") for method in ("model_tuning", "lester", "prompt_tuning")]
    rows += [(method, source) for source in axes.sources for method in ("pot", "panda")]
    return Table(
        name_columns=("method", "source"),
        columns=(*axes.backbones, "collapsed"),
        lines=tuple(_line(numbers, axes, method, source) for method, source in rows),
        notes=(COLLAPSED_NOTE,),
    )


def _line(numbers: Numbers, axes: Axes, method: str, source: str) -> Line:
    means = [_mean(numbers, axes, backbone, method, source) for backbone in axes.backbones]
    fell = collapsed_of(numbers, axes.backbones, method, [source], axes.targets) if source else ""
    return Line((title(method), source), (*means, fell))


def _mean(numbers: Numbers, axes: Axes, backbone: str, method: str, source: str) -> Entry:
    erratum = numbers.erratum("table3", method, f"{source} ({backbone.removeprefix('bert-')})", "avg")
    return Entry(marked(average(numbers, backbone, method, source, axes.targets), erratum))


ARTEFACTS = (Artefact("table3", "Table III: averages over the targets, per backbone", "paper/table3", _layout),)
