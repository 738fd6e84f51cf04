"""Pairs of a sweep that a metric of its list is not defined for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from panda_ray.execution.planning.plan import Plan
from panda_ray.metrics import PairMetric
from panda_ray.sweep.named_tasks import task_of


@dataclass(frozen=True)
class Unjudged:
    """What metrics leave out of a sweep's pairs; their similarity is 0.

    Attributes:
        metrics: labels of those that leave out the same.
        judged: which pairs they are defined for, in words.
        pairs: how many they are not defined for.
        of: how many there are.
        targets: those that they judge no source for.
    """

    metrics: tuple[str, ...]
    judged: str
    pairs: int
    of: int
    targets: tuple[str, ...]


def unjudged(plan: Plan) -> tuple[Unjudged, ...]:
    """The pairs that metrics are not defined for; metrics that are defined for every pair are left out."""
    judges = {label: recipe.metric for label, recipe in plan.metrics.items() if isinstance(recipe.metric, PairMetric)}
    if not judges:
        return ()
    sweep = plan.sweep
    names = dict.fromkeys([*sweep.source_tasks, *sweep.targets])
    tasks = {name: task_of(name, sweep.tasks) for name in names if name in plan.extents}
    sources = [name for name in sweep.source_tasks if name in tasks]
    pairs = [(source, target) for target in sweep.targets if target in tasks for source in sources if source != target]
    alike: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = defaultdict(list)
    for label, metric in judges.items():
        judged = tuple((source, target) for source, target in pairs if metric.judges(tasks[source], tasks[target]))
        if len(judged) < len(pairs):
            alike[metric.judged, judged].append(label)
    found = []
    for (words, judged), labels in alike.items():
        known = {target for _, target in judged}
        targets = tuple(target for target in sweep.targets if target in tasks and target not in known)
        found.append(Unjudged(tuple(labels), words, len(pairs) - len(judged), len(pairs), targets))
    return tuple(found)
