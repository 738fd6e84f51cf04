"""Everything that a report says about one backbone, computed once and shared by its tables, figures and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from panda_ray.reports.numbers.comparison import ComparedMethod, ProtocolGap, compare_with_paper, protocol_gaps
from panda_ray.reports.numbers.frame import (
    CellName,
    Grid,
    grid_of,
    lists_of,
    similarity_csv,
    single_sources_of,
    sources_of,
    targets_of,
    without_sources,
)
from panda_ray.reports.numbers.gains import MethodGain, method_gain, transfer_gains
from panda_ray.reports.numbers.searched.chosen_points import ChosenPoint, chosen_points
from panda_ray.reports.numbers.sources.best_sources import BestSource, best_sources
from panda_ray.reports.numbers.sources.chosen_sources import ChosenSources, chosen_sources
from panda_ray.reports.numbers.statistics import REPLICATES, Bootstrap, ScoredItems
from panda_ray.reports.numbers.tables import GridTable, Ranking, grid_table
from panda_ray.reports.numbers.transferability import MetricQuality, metric_quality, pot_scores
from panda_ray.reports.numbers.turned_items import Cases, cases_of
from panda_ray.reports.paper import paper_cells
from panda_ray.tracking.reading.study import Study
from panda_ray.tracking.searched import Searched


@dataclass(frozen=True)
class Analysis:
    """One backbone of a study.

    Attributes:
        sources: of the maps of similarity.
        single_sources: those of them that have cells alone: the rows of single transfers.
        baseline, pot, panda: label of the first entry of that method in the sweep, if there is one; one whose sources
            are not chosen goes before others.
        gains: per method with a source, over prompt tuning; empty without it.
        over_pot: PanDa over PoT on the transfers that both have.
        rankings: similarity per metric label, mean over seeds.
        qualities: per metric; empty without PoT.
        compared: with the paper, where it has the backbone.
        cases: items that transfers help and hurt.
        best: the best source of each target, of those that were trained.
        choices: sources that metrics chose.
        searched: what a search has tried on the backbone, and `chosen` what it chose.
    """

    backbone: str
    sources: tuple[str, ...]
    single_sources: tuple[str, ...]
    targets: tuple[str, ...]
    groups: Mapping[str, str]
    baseline: str | None
    pot: str | None
    panda: str | None
    grid: Grid
    table: GridTable
    gains: tuple[MethodGain, ...]
    over_pot: MethodGain | None
    rankings: Mapping[str, Ranking]
    qualities: tuple[MetricQuality, ...]
    protocols: tuple[ProtocolGap, ...]
    compared: tuple[ComparedMethod, ...]
    best: tuple[BestSource, ...]
    cases: Mapping[CellName, Cases]
    choices: tuple[ChosenSources, ...]
    searched: Searched | None
    chosen: tuple[ChosenPoint, ...]

    def distinguishes(self, metric: str) -> bool:
        """Whether a metric says different things of different pairs, as the constant one does not."""
        return len(set(self.rankings[metric].values())) > 1


def analyse(study: Study, backbone: str, replicates: int = REPLICATES) -> Analysis:
    """All numbers of one backbone.

    Args:
        replicates: samples of every bootstrap interval.
    """
    grid = grid_of(study, backbone)
    scores = study.scores[study.scores["backbone"] == backbone]
    single_sources, targets = single_sources_of(study), targets_of(study)
    baseline, pot, panda = (_label(study, name) for name in ("prompt_tuning", "pot", "panda"))
    alone = without_sources(study)
    transfers = [label for label in study.methods if label not in alone]
    lists = lists_of(study)
    bootstrap = Bootstrap(scored_items(study, backbone), replicates)
    rankings = _rankings(study, backbone)
    gains = {label: _gain(grid, baseline, label, bootstrap) for label in transfers}
    groups = {name: task.group for name, task in study.tasks.items()}
    searched = None if study.searched is None else study.searched.of(backbone)
    return Analysis(
        backbone=backbone,
        sources=tuple(sources_of(study)),
        single_sources=tuple(single_sources),
        targets=tuple(targets),
        groups=groups,
        baseline=baseline,
        pot=pot,
        panda=panda,
        grid=grid,
        table=grid_table(
            backbone,
            grid,
            baseline=baseline,
            alone=[label for label in alone if label != baseline],
            methods=[label for label in transfers if label not in lists],
            sources=single_sources,
            targets=targets,
            rankings={metric: ranking for metric, ranking in rankings.items() if len(set(ranking.values())) > 1},
            lists=lists,
            choices={label: (choice.top, choice.by) for label, choice in study.choices.items()},
            pot=pot,
            bootstrap=bootstrap,
        ),
        gains=tuple(gain for gain in gains.values() if gain),
        over_pot=_gain(grid, pot, panda, bootstrap),
        rankings=rankings,
        qualities=_qualities(study, backbone, grid, rankings, pot, gains.get(pot or ""), groups),
        protocols=tuple(protocol_gaps(scores, study.examples, list(study.methods), replicates)),
        compared=tuple(compare_with_paper(grid, study.methods, paper_cells(backbone))),
        best=tuple(best_sources([gain for gain in gains.values() if gain], targets, bootstrap)),
        cases=cases_of(study, [gain for gain in gains.values() if gain]),
        choices=tuple(chosen_sources(study, backbone, rankings)),
        searched=searched,
        chosen=chosen_points(searched, grid),
    )


def _label(study: Study, method: str) -> str | None:
    labels = study.labels_of(method)
    return next((label for label in labels if label not in study.choices), next(iter(labels), None))


def _gain(grid: Grid, reference: str | None, method: str | None, bootstrap: Bootstrap) -> MethodGain | None:
    if reference is None or method is None:
        return None
    return method_gain(method, transfer_gains(grid, reference, method, bootstrap), bootstrap)


def scored_items(study: Study, backbone: str) -> dict[str, ScoredItems]:
    """What the finished cells of a backbone may be resampled from, by key."""
    scores = study.scores[study.scores["backbone"] == backbone]
    units = zip(scores["key"], scores["target"], scores["measure"], strict=True)
    return {
        key: ScoredItems(target, measure, study.examples[key].of(study.protocol))
        for key, target, measure in units
        if key in study.examples
    }


def _rankings(study: Study, backbone: str) -> dict[str, Ranking]:
    frame = similarity_csv(study)
    by_metric = dict(iter(frame[frame["backbone"] == backbone].groupby("metric")))
    return {
        metric: dict(zip(zip(rows["source"], rows["target"], strict=True), rows["similarity"], strict=True))
        for metric in study.metrics
        if (rows := by_metric.get(metric)) is not None
    }


def _qualities(
    study: Study,
    backbone: str,
    grid: Grid,
    rankings: Mapping[str, Ranking],
    pot: str | None,
    pot_gain: MethodGain | None,
    groups: Mapping[str, str],
) -> tuple[MetricQuality, ...]:
    if pot in study.choices:  # the sources that a metric chose say nothing of the others
        pot, pot_gain = None, None
    first_epoch = pot_scores(grid_of(study, backbone, "score_first_epoch"), pot) if pot else {}
    score = pot_scores(grid, pot) if pot else {}
    gain = {(each.sources, each.target): each.mean for each in pot_gain.transfers} if pot_gain else {}
    return tuple(
        metric_quality(metric, ranking, first_epoch, score, gain, groups) for metric, ranking in rankings.items()
    )
