"""What a sweep's store says of choosing, by seed: each has its own similarities, scores and gains."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.similarity import compared
from panda_ray.reports.numbers.choosing import Choosing, choosing
from panda_ray.sweep_file import load_sweep

Pairs = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Finished:
    """Seeds of which every pair has a PoT score and every metric's similarity.

    Attributes:
        by_seed: per metric, what choosing by it gives.
        seconds: of each metric, per prompt or pair.
        pairs: of a source and a target.
    """

    by_seed: Mapping[int, Mapping[str, Choosing]]
    seconds: Mapping[str, float]
    pairs: int


def finished_seeds(sweep_file: str, overrides: Sequence[str]) -> Finished:
    """Read it of a sweep with prompt tuning, PoT and metrics, on one backbone."""
    sweep = load_sweep(sweep_file, overrides)
    store = Store(sweep.storage)
    plan = build_plan(sweep, store)
    records = store.records_of(plan.done)
    scores: dict[int, Pairs] = defaultdict(dict)
    gains: dict[int, Pairs] = defaultdict(dict)
    plain = {(cell.target, cell.seed): cell.key for cell in plan.cells if cell.method == "prompt_tuning"}
    cells = [cell for cell in plan.cells if cell.method == "pot"]
    for cell in cells:
        alone = plain[cell.target, cell.seed]
        if cell.key in records and alone in records:
            pair, score = (cell.sources[0], cell.target), records[cell.key]["score"]
            scores[cell.seed][pair] = score
            gains[cell.seed][pair] = score - records[alone]["score"]
    similar = _similarities(plan, store)
    pairs = len(cells) // len(sweep.seeds)
    whole = [
        seed
        for seed in sweep.seeds
        if len(scores[seed]) == pairs and all(len(similar[seed, metric]) == pairs for metric in plan.metrics)
    ]
    by_seed = {
        seed: {metric: choosing(similar[seed, metric], scores[seed], gains[seed]) for metric in plan.metrics}
        for seed in whole
    }
    return Finished(by_seed, _seconds(plan, records), pairs)


def _similarities(plan: Plan, store: Store) -> Mapping[tuple[int, str], Pairs]:
    found: dict[tuple[int, str], Pairs] = defaultdict(dict)
    for pair, value in compared(plan.similarities, plan.metrics, store).items():
        found[pair.seed, pair.metric][pair.source, pair.target] = value
    return found


def _seconds(plan: Plan, records: Mapping[str, Mapping[str, float]]) -> Mapping[str, float]:
    """A training that is only there for a metric is part of what the metric costs."""
    taken: dict[str, list[float]] = defaultdict(list)
    for key in plan.done:
        if plan.role_of[key] == "embedding":
            trained = [needed for needed in plan.depends_on[key] if plan.role_of[needed] == "teacher"]
            taken[plan.label_of[key]].append(sum(records[each]["seconds"] for each in (key, *trained)))
    return {metric: statistics.fmean(each) for metric, each in taken.items()}
