"""Sources that a metric chose for a method, and what the choice cost where all sources were trained."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panda_ray.reports.numbers.tables import Ranking
from panda_ray.sweep import sources_in
from panda_ray.tracking.reading.study import Study

_NAMES = ("method", "sources", "target")

Scores = Mapping[str, float]
"""By source, the mean over seeds, in percent."""


@dataclass(frozen=True)
class ChosenSources:
    """The choice for one target.

    Attributes:
        method, metric: labels.
        sources: the chosen ones, most similar first.
        best: of those with a score, the one with the highest, and its score.
        candidates: sources that could be chosen, and `known` how many of them have scores of as many seeds as the best.
        regret: how far the best chosen source scores below the best of all, in percent of that; None unless all
            candidates have their scores.
    """

    method: str
    metric: str
    target: str
    sources: tuple[str, ...]
    best: tuple[str, float] | None
    candidates: int
    known: int
    regret: float | None


def chosen_sources(study: Study, backbone: str, rankings: Mapping[str, Ranking]) -> list[ChosenSources]:
    """By method and target, in the order of the sweep.

    Args:
        rankings: similarity per metric label, mean over seeds.
    """
    found = []
    cells, candidates = (frame[frame["backbone"] == backbone] for frame in (study.cells, study.candidates))
    scores = _complete_scores(study, backbone)
    for label, choice in study.choices.items():
        own, among = cells[cells["method"] == label], candidates[candidates["method"] == label]
        for target in dict.fromkeys(own["target"]):
            listed = own.loc[own["target"] == target, "sources"]
            sources = list(dict.fromkeys(source for each in listed for source in sources_in(each)))
            every = list(dict.fromkeys(among.loc[among["target"] == target, "sources"]))
            similar = {source: value for (source, to), value in rankings.get(choice.by, {}).items() if to == target}
            sources.sort(key=lambda source: -similar.get(source, 0.0))
            found.append(_chosen(label, choice.by, target, sources, every, scores.get((label, target), {})))
    return found


def _complete_scores(study: Study, backbone: str) -> Mapping[tuple[str, str], Scores]:
    """By method and target, the scores of the candidates that have all their seeds."""
    by_seed: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    scored, every = (frame[frame["backbone"] == backbone] for frame in (study.candidate_scores, study.candidates))
    for label, source, target, score in zip(*(scored[name] for name in (*_NAMES, "score")), strict=True):
        by_seed[label, source, target].append(score)
    wanted = Counter(zip(*(every[name] for name in _NAMES), strict=True))
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for (label, source, target), scores in by_seed.items():
        if len(scores) == wanted[label, source, target]:
            found[label, target][source] = statistics.fmean(scores)
    return found


def mean_regret(choices: Sequence[ChosenSources]) -> tuple[float, int] | None:
    """Mean over the targets where it is known, and how many these are."""
    known = [choice.regret for choice in choices if choice.regret is not None]
    return (statistics.fmean(known), len(known)) if known else None


def _chosen(
    label: str, metric: str, target: str, sources: Sequence[str], every: Sequence[str], scores: Scores
) -> ChosenSources:
    scored = {source: scores[source] for source in sources if source in scores}
    best = max(scored.items(), key=lambda item: item[1], default=None)
    known = sum(source in scores for source in every)
    regret = None
    if best is not None and known == len(every) and (top := max(scores.values())) > 0:
        regret = 100 * (top - best[1]) / top
    return ChosenSources(label, metric, target, tuple(sources), best, len(every), known, regret)
