"""Which points one study begins with: found among the finished studies, ranked once the similarities are known."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.similarity import compared
from panda_ray.search.points import Points
from panda_ray.search.space import Point
from panda_ray.search.trials import Address, WarmPoint
from panda_ray.search.warm.finished import FinishedStudy

MOST_WARM = 3
"""Points that a study begins with at the most: less similar tasks have less to say."""


class WarmStart:
    """What one study may begin with. Until nothing is awaited any more it asks for no point.

    Args:
        plan: with the similarities of the sweep; those of its first metric count.
        best: by source task, the best point of a finished study.

    Attributes:
        awaited: embeddings, all of them in the plan, that have not ended.
    """

    def __init__(self, address: Address, plan: Plan, best: Mapping[str, Point], store: Store) -> None:
        metric = plan.sweep.metrics[0].title
        place = (address.backbone, metric, address.target)
        self._metrics, self._best, self._store = plan.metrics, best, store
        self._pairs = [
            pair
            for pair in plan.similarities
            if (pair.backbone, pair.metric, pair.target) == place and pair.source in best
        ]
        needed = {key for pair in self._pairs for key in (pair.source_key, pair.target_key) if key is not None}
        self.awaited = needed - store.done_among(needed)

    def ranked(self) -> tuple[WarmPoint, ...]:
        """Points of the tasks that are most similar on average over the seeds, the most similar one's first.

        A seed whose embedding failed does not count, nor does a task that is left without one.
        """
        values = compared(self._pairs, self._metrics, self._store)
        found = [
            WarmPoint(task, statistics.fmean(seeds), point)
            for task, point in self._best.items()
            if (seeds := [value for pair, value in values.items() if pair.source == task])
        ]
        return tuple(sorted(found, key=lambda point: -point.similarity)[:MOST_WARM])


def warm_start(points: Points, plan: Plan, finished: Iterable[FinishedStudy], store: Store) -> WarmStart:
    """What a study may begin with.

    Args:
        finished: in the order in which they were begun; of a task's several the last one counts.
    """
    best = {study.address.target: study.best for study in finished if study.serves(points.address, points.space)}
    return WarmStart(points.address, plan, best, store)
