"""Table III: averages over the targets, one column per size of BERT."""

from __future__ import annotations

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes, Numbers, average
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table, marked
from panda_ray.reports.reproduction.titles import title


def _layout(numbers: Numbers, axes: Axes) -> Table:
    rows = [(method, "") for method in ("model_tuning", "lester", "prompt_tuning")]
    rows += [(method, source) for source in axes.sources for method in ("pot", "panda")]
    return Table(
        name_columns=("method", "source"),
        columns=axes.backbones,
        lines=tuple(
            Line((title(method), source), tuple(_mean(numbers, axes, name, method, source) for name in axes.backbones))
            for method, source in rows
        ),
    )


def _mean(numbers: Numbers, axes: Axes, backbone: str, method: str, source: str) -> Entry:
    erratum = numbers.erratum("table3", method, f"{source} ({backbone.removeprefix('bert-')})", "avg")
    return Entry(marked(average(numbers, backbone, method, source, axes.targets), erratum))


ARTEFACTS = (Artefact("table3", "Table III: averages over the targets, per backbone", "paper/table3", _layout),)
