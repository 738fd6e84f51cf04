"""Predicted transferability of every pair of a plan whose embeddings are in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

import pandas as pd

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import EMBEDDING_FILE
from panda_ray.execution.units.cells import Similarity
from panda_ray.execution.work.similarity import similarity_of
from panda_ray.tracking.study import SIMILARITY_COLUMNS

_PAIRS_AT_ONCE = 64


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
        for start in range(0, len(ready), _PAIRS_AT_ONCE):
            self._compare(ready[start : start + _PAIRS_AT_ONCE])
        rows = [(p.backbone, p.metric, p.source, p.target, p.seed, value) for p, value in self._values.items()]
        return pd.DataFrame(rows, columns=list(SIMILARITY_COLUMNS))

    def _compare(self, pairs: Sequence[Similarity]) -> None:
        """Each embedding is read once for all of these pairs."""
        keys = {key for pair in pairs for key in (pair.source_key, pair.target_key) if key is not None}
        found = self._store.read_files([(key, EMBEDDING_FILE) for key in keys])
        embeddings: dict[str | None, bytes | None] = {None: None}
        embeddings |= {key: data for (key, _), data in found.items() if not isinstance(data, LookupError)}
        for pair in pairs:
            recipe = self._metrics[pair.metric]
            with suppress(LookupError, ValueError):
                source, target = embeddings[pair.source_key], embeddings[pair.target_key]
                self._values[pair] = similarity_of(recipe.metric.name, recipe.options, source, target)
