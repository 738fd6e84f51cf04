"""Tables II and XIII to XVI: one backbone's grid, its averages, the best source per target and the best of three."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import (
    COLLAPSED_NOTE,
    ORACLE,
    Axes,
    Numbers,
    average,
    collapsed,
    oracle,
    top_three,
)
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table, marked, scored
from panda_ray.reports.reproduction.titles import title
from panda_ray.reports.reproduction.value import Value, mean_of

_WITHOUT_SOURCE = ("model_tuning", "lester", "prompt_tuning")

_RANKED_BY = {"pot": "e_avg", "panda": "task_embedding"}
"""The metric that proposes three sources, per method."""

_Row = tuple[str, list[Value | None]]
"""The source, or what was chosen, and the cells."""


def _layout(numbers: Numbers, axes: Axes) -> Table:
    """The grid of the first backbone."""
    backbone, targets = axes.backbones[0], axes.targets
    base = [numbers.score(backbone, "prompt_tuning", "", target) for target in targets]
    pot = _transfers(numbers, axes, "pot")
    return Table(
        name_columns=("method", "source"),
        columns=(*targets, "average", "collapsed"),
        lines=(
            *(_single(numbers, axes, method) for method in _WITHOUT_SOURCE),
            *_group(numbers, backbone, "pot", pot, [None] * len(pot), base),
            *_group(
                numbers, backbone, "panda", _transfers(numbers, axes, "panda"), [mean_of(row) for _, row in pot], base
            ),
        ),
        notes=(
            "Beside a PanDa row's average: its gain over the PoT row of the same source.",
            "Oracle: the best source per target; top-3: the best of the three that a metric ranks highest; both "
            "without the target itself.",
            COLLAPSED_NOTE,
        ),
    )


def _single(numbers: Numbers, axes: Axes, method: str) -> Line:
    """A row without transfer."""
    backbone, targets = axes.backbones[0], axes.targets
    cells = [numbers.score(backbone, method, "", target) for target in targets]
    return scored((title(method), ""), cells, average(numbers, backbone, method, "", targets))


def _transfers(numbers: Numbers, axes: Axes, method: str) -> list[_Row]:
    """One row per source, then those that choose among them."""
    backbone, sources, targets = axes.backbones[0], axes.sources, axes.targets
    metric = _RANKED_BY[method]
    return [
        *((source, [numbers.score(backbone, method, source, target) for target in targets]) for source in sources),
        (ORACLE, [oracle(numbers, backbone, method, sources, target) for target in targets]),
        (
            f"top-3 by {title(metric)}",
            [top_three(numbers, backbone, method, metric, sources, target) for target in targets],
        ),
    ]


def _group(
    numbers: Numbers,
    backbone: str,
    method: str,
    rows: Sequence[_Row],
    compared_with: Sequence[Value | None],
    base: Sequence[Value | None],
) -> list[Line]:
    return [
        _with_errata(
            numbers, backbone, method, source, scored((title(method), source), cells, mean_of(cells), over, fell)
        )
        for (source, cells), over in zip(rows, compared_with, strict=True)
        for fell in [collapsed(cells, base)]
    ]


def _with_errata(numbers: Numbers, backbone: str, method: str, source: str, line: Line) -> Line:
    """The average and its gain, marked where the printed ones do not follow from the printed cells."""
    *cells, mean, fell = line.entries
    assert isinstance(mean, Entry)
    value = marked(mean.value, numbers.erratum(backbone, method, source, "avg"))
    gain = marked(mean.gain, numbers.erratum(backbone, method, source, "gain"))
    return replace(line, entries=(*cells, replace(mean, value=value, gain=gain), fell))


ARTEFACTS = tuple(
    Artefact(f"table{number}", f"Table {roman}: transfer", f"paper/bert_{size}", _layout, per=("backbones",))
    for number, roman, size in (
        (2, "II", "large"),
        (13, "XIII", "base"),
        (14, "XIV", "medium"),
        (15, "XV", "small"),
        (16, "XVI", "tiny"),
    )
)
