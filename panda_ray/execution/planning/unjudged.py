"""Pairs of a sweep that a metric of its list is not defined for."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.execution.planning.plan import Plan
from panda_ray.metrics import PairMetric
from panda_ray.sweep.named_tasks import task_of


@dataclass(frozen=True)
class Unjudged:
    """What a metric leaves out of a sweep's pairs; their similarity is 0.

    Attributes:
        metric: its label.
        judged: which pairs it is defined for, in words.
        pairs: how many it is not defined for.
        of: how many there are.
        targets: those that it judges no source for.
    """

    metric: str
    judged: str
    pairs: int
    of: int
    targets: tuple[str, ...]


def unjudged(plan: Plan) -> tuple[Unjudged, ...]:
    """By metric, the pairs that it is not defined for; metrics that are defined for every pair are left out."""
    judges = {label: recipe.metric for label, recipe in plan.metrics.items() if isinstance(recipe.metric, PairMetric)}
    if not judges:
        return ()
    sweep = plan.sweep
    names = dict.fromkeys([*sweep.source_tasks, *sweep.targets])
    tasks = {name: task_of(name, sweep.tasks) for name in names if name in plan.extents}
    sources = [name for name in sweep.source_tasks if name in tasks]
    pairs = [(source, target) for target in sweep.targets if target in tasks for source in sources if source != target]
    found = []
    for label, metric in judges.items():
        judged = [target for source, target in pairs if metric.judges(tasks[source], tasks[target])]
        if len(judged) < len(pairs):
            targets = tuple(target for target in sweep.targets if target in tasks and target not in judged)
            found.append(Unjudged(label, metric.judged, len(pairs) - len(judged), len(pairs), targets))
    return tuple(found)
