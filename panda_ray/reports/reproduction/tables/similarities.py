"""Tables VIII to X: similarities by how many examples they are of, how much that moves them, and by type of task."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from panda_ray.reports.numbers.transferability import relatedness
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes, Numbers, over
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title
from panda_ray.reports.reproduction.value import Value, per_seed

_EXAMPLES = (50, 100, 200, 300)
_USED = 100
"""Examples that the paper's other tables go by."""

_METRICS = ("e_avg", "on", "task_embedding")


def _examples(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone and the first source."""
    backbone, source = axes.backbones[0], axes.sources[0]
    return Table(
        name_columns=("examples",),
        columns=axes.targets,
        lines=tuple(
            Line((str(examples),), tuple(Entry(_of(numbers, backbone, source, t, examples), 3) for t in axes.targets))
            for examples in _EXAMPLES
        ),
    )


def _moves(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone."""
    backbone = axes.backbones[0]
    of = {source: _deviations(numbers, backbone, source, axes.targets) for source in axes.sources}
    return Table(
        name_columns=("deviation",),
        columns=axes.sources,
        lines=(
            Line(("standard deviation",), tuple(Entry(std, 5) for std, _ in of.values())),
            Line((f"|{_USED} examples - mean|",), tuple(Entry(to_mean, 5) for _, to_mean in of.values())),
        ),
        notes=("Means over the targets; the deviation is the population's, over the four numbers of examples.",),
    )


def _of(numbers: Numbers, backbone: str, source: str, target: str, examples: int) -> Value | None:
    return numbers.similarity(backbone, f"task_embedding-{examples}", source, target)


def _deviations(
    numbers: Numbers, backbone: str, source: str, targets: tuple[str, ...]
) -> tuple[Value | None, Value | None]:
    """Over the numbers of examples, and of the used number from the mean of all; the stated ones without pairs."""
    known = {(t, n): _of(numbers, backbone, source, t, n) for t in targets for n in _EXAMPLES}
    values = {pair: value for pair, value in known.items() if value is not None}
    if len(values) < len(known):
        std, to_mean = (numbers.stated(name, backbone, source, over(targets)) for name in ("std", "to_mean"))
        return std, to_mean

    def deviation(of: Mapping[tuple[str, int], float]) -> float:
        return statistics.fmean(statistics.pstdev(of[t, n] for n in _EXAMPLES) for t in targets)

    def distance(of: Mapping[tuple[str, int], float]) -> float:
        return statistics.fmean(abs(of[t, _USED] - statistics.fmean(of[t, n] for n in _EXAMPLES)) for t in targets)

    return per_seed(values, deviation), per_seed(values, distance)


def _types(numbers: Numbers, axes: Axes) -> Table:
    lines = []
    for metric in _METRICS:
        related = [_related(numbers, backbone, metric, axes) for backbone in axes.backbones]
        lines += [
            Line((title(metric), pairs), tuple(Entry(of[pairs]) for of in related)) for pairs in ("same", "different")
        ]
    return Table(
        name_columns=("metric", "types"),
        columns=axes.backbones,
        lines=tuple(lines),
        notes=("Over ordered pairs of different tasks; WiC, CoLA and SST-2 are three types, not one.",),
    )


def _related(numbers: Numbers, backbone: str, metric: str, axes: Axes) -> Mapping[str, Value | None]:
    """Same-type and different-type pairs; the stated ones where not all pairs are known."""
    known = {(a, b): numbers.similarity(backbone, metric, a, b) for a in axes.sources for b in axes.targets if a != b}
    values = {pair: value for pair, value in known.items() if value is not None}
    if len(values) < len(known):
        return {
            name: numbers.stated("related", backbone, metric, name, over(sorted(axes.sources)))
            for name in ("same", "different")
        }
    return {
        "same": per_seed(values, lambda ranking: relatedness(_percent(ranking), axes.groups).within),
        "different": per_seed(values, lambda ranking: relatedness(_percent(ranking), axes.groups).between),
    }


def _percent(ranking: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return {pair: 100 * similarity for pair, similarity in ranking.items()}


ARTEFACTS = (
    Artefact(
        "table8", "Table VIII: similarity by the number of examples", "paper/table8", _examples, per=("backbones",)
    ),
    Artefact(
        "table9",
        "Table IX: how much the number of examples moves a similarity",
        "paper/table9",
        _moves,
        per=("backbones",),
    ),
    Artefact("table10", "Table X: similarity in percent of tasks of one type and of two", "paper/table10", _types),
)
