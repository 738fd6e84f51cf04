"""The paper's claims about transfer, each as differences between cells of a study, and as counts of pairs.

A pair is of one type where source and target are in the same group of the heat maps. Only seeds of which every cell is
finished count.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.transfers.differences import Difference, Pairs, difference
from panda_ray.reports.numbers.analysis import scored_items
from panda_ray.reports.numbers.gains import COLLAPSED
from panda_ray.reports.numbers.statistics import Bootstrap
from panda_ray.tracking.reading.study import Study

FUSIONS, RIVALS = ("panda-early", "panda-late"), ("attempt", "sesom")
"""Labels of methods with several sources, as the shipped sweeps have them."""

_Place = tuple[str, str]
"""Sources and target."""


@dataclass(frozen=True)
class Claim:
    """One difference, and the sign that the paper gives it; 0 where it gives none."""

    first: str
    second: str
    where: str
    pairs: int
    sign: int
    found: Difference


class FinishedSeeds:
    """The cells of one backbone whose seeds are whole."""

    def __init__(self, study: Study) -> None:
        (self.backbone,) = set(study.cells["backbone"])
        wanted, finished = (frame.groupby("seed")["key"].nunique() for frame in (study.cells, study.scores))
        self.seeds = [int(seed) for seed in wanted.index if finished.get(seed) == wanted[seed]]
        self.rows = study.scores[study.scores["seed"].isin(self.seeds)]
        self.scores = dict(zip(self.rows["key"], self.rows["score"], strict=True))
        self.groups = {name: task.group for name, task in study.tasks.items()}
        columns = (self.rows[name] for name in ("method", "sources", "target", "seed", "key"))
        self._keys: dict[tuple[str, str, str, int], str] = {
            (method, sources, target, seed): key for method, sources, target, seed, key in zip(*columns, strict=True)
        }
        self._bootstrap = Bootstrap(scored_items(study, self.backbone))

    def places(self, method: str) -> list[_Place]:
        """Sources and target of a method's cells."""
        own = self.rows[self.rows["method"] == method]
        return list(dict.fromkeys(zip(own["sources"], own["target"], strict=True)))

    def variants(self) -> list[str]:
        """Methods with one source besides PoT and PanDa: PanDa with other options, under labels of their own."""
        single = self.rows[(self.rows["sources"] != "") & ~self.rows["sources"].str.contains("+", regex=False)]
        return [method for method in dict.fromkeys(single["method"]) if method not in ("pot", "panda")]

    def compared_with(self, variant: str) -> list[str]:
        """What a variant is held against: prompt tuning, PoT, and the student alone of `panda-STUDENT`."""
        students = [method for method in dict.fromkeys(self.rows["method"]) if f"-{method}-" in f"{variant}-"]
        return [method for method in ("prompt_tuning", "pot", *students) if self.places(method)]

    def is_of_one_type(self, place: _Place) -> bool:
        return self.groups[place[0]] == self.groups[place[1]]

    def pairs(self, first: str, second: str, places: list[_Place]) -> Pairs:
        """Units of both methods at the same places; prompt tuning and model tuning have no sources."""
        return {
            (target, sources, seed): (self._key(first, sources, target, seed), self._key(second, sources, target, seed))
            for sources, target in places
            for seed in self.seeds
        }

    def fused(self, fusion: str, single: str) -> Pairs:
        """Each fusion against a method with one source, for each of its sources."""
        return {
            (target, source, seed): (
                self._keys[fusion, sources, target, seed],
                self._keys[single, source, target, seed],
            )
            for sources, target in self.places(fusion)
            for source in sources.split("+")
            for seed in self.seeds
        }

    def difference(self, pairs: Pairs) -> Difference:
        return difference(pairs, self.scores, self._bootstrap)

    def gains(self, method: str, other: str) -> dict[_Place, float]:
        """Per place, the mean over the seeds; none where the study lacks one of the methods."""
        places = self.places(method) if self.places(other) else []
        return {place: self.difference(self.pairs(method, other, [place])).mean for place in places}

    def _key(self, method: str, sources: str, target: str, seed: int) -> str:
        return self._keys.get((method, sources, target, seed)) or self._keys[method, "", target, seed]


def claims(finished: FinishedSeeds) -> Iterator[Claim]:
    """Those that are differences, in the order of docs/results.md; without those whose methods the study lacks."""
    for first, second, signs in (
        ("pot", "prompt_tuning", (0, 0, -1)),
        ("panda", "prompt_tuning", (1, 0, 0)),
        ("panda", "pot", (1, 0, 1)),
    ):
        places = finished.places(first) if finished.places(second) else []
        akin = [place for place in places if finished.is_of_one_type(place)]
        other = [place for place in places if place not in akin]
        for where, own, sign in zip(
            ("all pairs", "one type", "other types"), (places, akin, other), signs, strict=True
        ):
            if own:
                found = finished.difference(finished.pairs(first, second, own))
                yield Claim(first, second, where, len(own), sign, found)
    for variant in finished.variants():
        own = finished.places(variant)
        for second in finished.compared_with(variant):
            found = finished.difference(finished.pairs(variant, second, own))
            yield Claim(variant, second, "its cells", len(own), 1, found)
    for fusion in FUSIONS:
        if not (lists := finished.places(fusion)):
            continue
        alone = finished.difference(finished.fused(fusion, "panda"))
        yield Claim(fusion, "panda, its sources alone", "lists", len(lists), 1, alone)
        for rival in RIVALS:
            found = finished.difference(finished.pairs(fusion, rival, lists))
            yield Claim(fusion, rival, "lists", len(lists), 1, found)
    for method in (*FUSIONS, *RIVALS, "model_tuning"):
        if own := finished.places(method):
            found = finished.difference(finished.pairs(method, "prompt_tuning", own))
            yield Claim(method, "prompt_tuning", "its cells", len(own), 0, found)


def counts(finished: FinishedSeeds) -> Iterator[str]:
    """Collapses, pairs in which PanDa is ahead, and sources whose row beats model tuning, as sentences."""
    for method in ("pot", "panda", *FUSIONS, *RIVALS):
        if not (gains := finished.gains(method, "prompt_tuning")):
            continue
        fell = [f"{source} to {target} {gain:+.1f}" for (source, target), gain in gains.items() if gain < -COLLAPSED]
        yield f"{method}: {len(fell)} of {len(gains)} transfers collapsed{': ' if fell else ''}{', '.join(fell)}"
    if lead := finished.gains("panda", "pot"):
        yield f"panda is above pot in {sum(each > 0 for each in lead.values())} of {len(lead)} pairs"
    if not finished.places("model_tuning"):
        return
    over = finished.gains("panda", "model_tuning")
    rows = {source: [gain for (own, _), gain in over.items() if own == source] for source, _ in over}
    ahead = [source for source, gains_of_row in rows.items() if statistics.fmean(gains_of_row) > 0]
    yield f"panda's row is above model tuning's for {len(ahead)} of {len(rows)} sources: {', '.join(ahead) or 'none'}"
