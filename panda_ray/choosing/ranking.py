"""Sources of one target in the order of their similarity, averaged over seeds."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping

from panda_ray.execution.units.cells import Similarity


def mean_similarities(values: Mapping[Similarity, float]) -> dict[str, float]:
    """By source, the mean over seeds; sources stay in their order.

    Args:
        values: of pairs with one target under one metric.
    """
    seeds: dict[str, list[float]] = defaultdict(list)
    for pair, value in values.items():
        seeds[pair.source].append(value)
    return {source: statistics.fmean(each) for source, each in seeds.items()}


def ranked(similarities: Mapping[str, float]) -> list[str]:
    """Sources from the most to the least similar; equal ones stay in their order."""
    return sorted(similarities, key=lambda source: -similarities[source])
