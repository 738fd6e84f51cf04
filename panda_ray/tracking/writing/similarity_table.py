"""Predicted transferability of every pair of a plan whose embeddings are in the store."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.cells import Similarity
from panda_ray.execution.work.similarity import compared
from panda_ray.tracking.reading.study import SIMILARITY_COLUMNS


class Similarities:
    """Compares each pair once, as soon as both embeddings are there."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._pairs = plan.similarities
        self._store = store
        self._metrics = plan.metrics
        self._values: dict[Similarity, float] = {}

    def frame(self, done: Collection[str]) -> pd.DataFrame:
        """One row per pair that can be compared already (`SIMILARITY_COLUMNS`).

        A pair whose embedding was damaged after it had counted as done is left out.

        Args:
            done: keys whose results are in the store.
        """
        there = {None, *done}
        ready = [
            pair
            for pair in self._pairs
            if pair not in self._values and pair.source_key in there and pair.target_key in there
        ]
        self._values |= compared(ready, self._metrics, self._store)
        rows = [(p.backbone, p.metric, p.source, p.target, p.seed, value) for p, value in self._values.items()]
        return pd.DataFrame(rows, columns=list(SIMILARITY_COLUMNS))
