"""Sources for a task, ranked without a training on it, with the gain that the store's finished cells let one expect."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

from panda_ray.choosing.calibration import Calibration, Evidence, Prediction, calibrated, coverage
from panda_ray.choosing.ranking import mean_similarities, ranked
from panda_ray.choosing.shipped_evidence import shipped_evidence
from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.growth import grown, proposal_of
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog, read_catalog
from panda_ray.execution.units.cells import Similarity
from panda_ray.execution.units.graph import Graph
from panda_ray.execution.work.similarity import compared
from panda_ray.metrics import PairMetric, get_metric
from panda_ray.sweep import MethodSection, MetricSection, Sweep
from panda_ray.usecases import Busy
from panda_ray.usecases.engine import check_engine
from panda_ray.usecases.shared_prompts.taking import plan_with_taken

_BASELINE, _TRANSFER = "prompt_tuning", "pot"


@dataclass(frozen=True)
class Recommended:
    """One source.

    Attributes:
        predicted: gain of PoT over prompt tuning; None without enough evidence.
        measured: that gain where it is in the store already, mean over seeds; it has no say in the prediction.
    """

    source: str
    similarity: float
    predicted: Prediction | None
    measured: float | None


@dataclass(frozen=True)
class Recommendation:
    """Sources of a task, the most similar first.

    Attributes:
        untrained: sources without a prompt in the store, which are left out.
        seeds: of the prompts.
        prompts: keys of the source prompts that were ranked.
        evidence: gains on other targets.
        shipped: whether it came with the package, because the store has too little of its own.
        calibration: what follows from them; None from too few targets.
        covered: of the evidence's gains, how many lie in their interval when their target is left out, and of how many.
    """

    task: str
    backbone: str
    metric: str
    sources: tuple[Recommended, ...]
    untrained: tuple[str, ...]
    seeds: tuple[int, ...]
    prompts: frozenset[str]
    evidence: Evidence
    shipped: bool
    calibration: Calibration | None
    covered: tuple[int, int] | None


def recommend(sweep: Sweep, task: str, metric: str = "logme", busy: Busy = nullcontext) -> Recommendation:
    """Rank the prompts of a sweep for a task; only the metric is computed, and kept in the sweep's store.

    Args:
        sweep: whose sources are ranked on its first backbone, and whose finished cells are the evidence.
        task: any task; whether something was trained on it does not matter.
        metric: one that judges pairs by the target's rows.

    Raises:
        InputError: for an unknown task or metric, a metric that needs a training, or a store without source prompts.
    """
    if not isinstance(get_metric(metric), PairMetric):
        raise InputError(
            f"the metric {metric!r} needs a training on the new task; use one that judges pairs by its rows alone: "
            "logme, knn, h_score, leep, nce"
        )
    store, asked = Store(sweep.storage), _asked(sweep, task, metric)
    with busy("reading data sets and the store"):
        catalog = read_catalog(asked)
        if task not in catalog.data:
            raise InputError(dict(catalog.skipped)[task])
        plan = plan_with_taken(asked, store, catalog)
    pairs = [pair for pair in plan.similarities if pair.source != pair.target and _prompts(plan, pair) <= plan.done]
    if not any(pair.target == task for pair in pairs):
        raise InputError(
            f"{store.url} has no prompt of a source of sweep {sweep.name!r} yet, so nothing can be ranked; run it "
            "first, or name prompts that are trained already: --prompts URL; without it those of the package are ranked"
        )
    gains = _gains(plan, store)
    wanted = [pair for pair in pairs if pair.target == task or (pair.source, pair.target) in gains]
    with busy(f"computing {metric}"):
        values = _values(wanted, plan, catalog, store)
    return _recommendation(plan, task, values, gains)


def _asked(sweep: Sweep, task: str, metric: str) -> Sweep:
    """The pairs of a sweep and those of the task, trained as the sweep trains them."""
    transfer = next((section for section in sweep.methods if section.method == _TRANSFER), None)
    whole = (transfer or MethodSection(method=_TRANSFER)).model_copy(update={"sources": None})
    listed = next((section for section in sweep.methods if section.method == _BASELINE), None)
    changes = {
        "backbones": sweep.backbones[:1],
        "sources": sweep.single_sources,
        "targets": list(dict.fromkeys([*sweep.targets, task])),
        "methods": [listed or MethodSection(method=_BASELINE), whole],
        "metrics": [MetricSection(metric=metric)],
        "search": None,
    }
    return sweep.model_copy(update=changes)


def _prompts(plan: Plan, pair: Similarity) -> frozenset[str]:
    """What the embedding of a pair is taken from."""
    assert pair.source_key is not None, "a metric that judges pairs has an embedding"
    return frozenset(plan.depends_on[pair.source_key])


def _values(pairs: Collection[Similarity], plan: Plan, catalog: Catalog, store: Store) -> dict[Similarity, float]:
    """The similarities of pairs; those that are not in the store are computed in this process."""
    keys = {pair.source_key for pair in pairs if pair.source_key is not None}
    if not keys <= plan.done:
        check_engine("a recommendation")
        from panda_ray.execution.runners.inline import InlineRunner
        from panda_ray.execution.runners.run_plan import run_plan

        graph = Graph(plan.sweep, catalog)
        (recipe,) = graph.metrics.values()
        for pair in pairs:
            graph.embeddings(recipe, pair.backbone, pair.source, pair.target, pair.seed)
        nothing = replace(plan, cells=(), units={}, role_of={}, label_of={}, done=frozenset(), stacks=())
        alone = grown(nothing, proposal_of(graph, keys), store)
        summary = run_plan(alone, Costs.in_store(alone, store), store, InlineRunner())
        if not summary.complete:
            why = summary.interrupted or next(iter(summary.failed.values()))
            raise InputError(f"the metric could not be computed: {why}")
    return compared([*pairs], plan.metrics, store)


def _gains(plan: Plan, store: Store) -> dict[tuple[str, str], float]:
    """Of finished pairs, the mean over the seeds that have both scores."""
    records = store.records_of(cell.key for cell in plan.cells if cell.key in plan.done)
    score = {
        (cell.sources, cell.target, cell.seed): records[cell.key]["score"] for cell in plan.cells if cell.key in records
    }
    by_seed: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (sources, target, seed), value in score.items():
        if sources and sources != (target,) and ((), target, seed) in score:
            by_seed[sources[0], target].append(value - score[(), target, seed])
    return {pair: statistics.fmean(each) for pair, each in by_seed.items()}


def _recommendation(
    plan: Plan, task: str, values: Mapping[Similarity, float], gains: Mapping[tuple[str, str], float]
) -> Recommendation:
    by_target: dict[str, dict[Similarity, float]] = defaultdict(dict)
    for pair, value in values.items():
        by_target[pair.target][pair] = value
    similar = {target: mean_similarities(own) for target, own in by_target.items()}
    known = {
        target: {source: (value, gains[source, target]) for source, value in own.items() if (source, target) in gains}
        for target, own in similar.items()
    }
    evidence = _of_others(task, {target: own for target, own in known.items() if own})
    metric, prompts = (
        plan.sweep.metrics[0].metric,
        frozenset().union(*(_prompts(plan, pair) for pair in by_target[task])),
    )
    calibration = calibrated(evidence)
    shipped = {} if calibration else _of_others(task, shipped_evidence(metric, prompts))
    evidence = shipped or evidence
    calibration = calibrated(evidence)
    predicted = calibration.predicted(similar[task]) if calibration else {}
    (backbone,) = plan.sweep.backbones
    return Recommendation(
        task=task,
        backbone=backbone.name,
        metric=metric,
        sources=tuple(
            Recommended(source, similar[task][source], predicted.get(source), gains.get((source, task)))
            for source in ranked(similar[task])
        ),
        untrained=tuple(
            source for source in plan.sweep.single_sources if source != task and source not in similar[task]
        ),
        seeds=tuple(sorted({pair.seed for pair in by_target[task]})),
        prompts=prompts,
        evidence=evidence,
        shipped=bool(shipped),
        calibration=calibration,
        covered=coverage(evidence) if calibration else None,
    )


def _of_others(task: str, evidence: Evidence) -> Evidence:
    """What is known of targets but the task itself."""
    return {target: pairs for target, pairs in evidence.items() if target != task}
