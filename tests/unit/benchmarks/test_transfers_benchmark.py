"""The paper's claims on a study of several seeds: what is compared, with which weights, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from benchmarks.transfers.differences import HOLDS, OPEN, REFUTED, Difference
from benchmarks.transfers.transfer_claims import Claim, FinishedSeeds, claims, counts
from panda_ray.reports.numbers.gains import COLLAPSED
from panda_ray.reports.numbers.statistics import Interval
from panda_ray.tracking.reading.study import Study
from support.sweeps.studies import invented_study, related


@pytest.fixture(scope="module")
def study() -> Study:
    return invented_study()


@pytest.fixture(scope="module")
def finished(study: Study) -> FinishedSeeds:
    return FinishedSeeds(study)


def by_claim(finished: FinishedSeeds) -> dict[tuple[str, str, str], Claim]:
    return {(claim.first, claim.second, claim.where): claim for claim in claims(finished)}


def test_pairs_of_one_type_and_of_other_types_are_those_of_their_groups(study: Study, finished: FinishedSeeds) -> None:
    found = by_claim(finished)
    scores = study.scores
    panda = scores[scores["method"] == "panda"].merge(
        scores[scores["method"] == "pot"], on=["sources", "target", "seed"], suffixes=("", "_pot")
    )
    panda["lead"] = panda["score"] - panda["score_pot"]
    akin = [related(source, target) for source, target in zip(panda["sources"], panda["target"], strict=True)]
    for where, rows in (
        ("all pairs", panda),
        ("one type", panda[akin]),
        ("other types", panda[[not each for each in akin]]),
    ):
        claim = found["panda", "pot", where]
        assert claim.pairs == len(rows.groupby(["sources", "target"]))
        by_pair = rows.groupby(["target", "sources"])["lead"].mean()
        assert claim.found.mean == pytest.approx(by_pair.groupby("target").mean().mean())
        assert claim.found.items is not None
        assert claim.found.items.estimate == pytest.approx(claim.found.mean)
        for seed, value in claim.found.by_seed.items():
            one = rows[rows["seed"] == seed].groupby("target")["lead"].mean().mean()
            assert value == pytest.approx(one)


def test_another_label_with_one_source_is_held_against_prompt_tuning_and_pot(study: Study) -> None:
    again = study.scores[study.scores["method"] == "pot"].assign(method="again")
    found = by_claim(FinishedSeeds(replace(study, scores=pd.concat([study.scores, again]))))
    assert found["again", "pot", "its cells"].found.mean == 0
    plain, pot = found["again", "prompt_tuning", "its cells"], found["pot", "prompt_tuning", "all pairs"]
    assert (plain.pairs, plain.sign) == (pot.pairs, 1)
    assert plain.found.mean == pytest.approx(pot.found.mean)
    assert abs(pot.found.mean) > 0.1
    of_study = {first for first, _, where in found if where == "its cells"}
    assert "panda" not in of_study
    assert not any("+" in label for label in of_study)


def test_a_student_with_panda_is_held_against_itself_alone_without_pot_in_the_study(study: Study) -> None:
    rows, cells = (frame[frame["method"] != "pot"] for frame in (study.scores, study.cells))
    alone = rows[rows["method"] == "prompt_tuning"].assign(method="lester")
    taught = rows[rows["method"] == "panda"].assign(method="panda-lester-strong")
    finished = FinishedSeeds(replace(study, scores=pd.concat([rows, alone, taught]), cells=cells))
    claimed = by_claim(finished)
    held = claimed["panda-lester-strong", "lester", "its cells"]
    assert held.found.by_seed == claimed["panda-lester-strong", "prompt_tuning", "its cells"].found.by_seed
    assert held.found.by_seed == claimed["panda", "prompt_tuning", "all pairs"].found.by_seed
    assert not any("pot" in names for names in claimed)
    assert not any("pot" in sentence for sentence in counts(finished))


def test_a_seed_that_lacks_a_cell_counts_nowhere(study: Study) -> None:
    last = study.scores.index[study.scores["seed"] == 13][-1]
    finished = FinishedSeeds(replace(study, scores=study.scores.drop(last)))
    assert finished.seeds == [11, 12]
    assert all(set(claim.found.by_seed) == {11, 12} for claim in claims(finished))


def test_counts_name_the_pairs_that_collapsed(study: Study) -> None:
    scores = study.scores.copy()
    fell = (scores["method"] == "pot") & (scores["sources"] == "rte") & (scores["target"] == "cb")
    plain = scores[(scores["method"] == "prompt_tuning") & (scores["target"] == "cb")].set_index("seed")["score"]
    scores.loc[fell, "score"] = [plain[seed] - COLLAPSED - 1 for seed in scores.loc[fell, "seed"]]
    said = list(counts(FinishedSeeds(replace(study, scores=scores))))
    assert "rte to cb -11.0" in said[0]
    assert said[0].startswith("pot: ")
    assert "rte to cb" not in said[1]


@pytest.mark.parametrize(
    ("by_seed", "low", "high", "sign", "verdict"),
    [
        ((1.0, 2.0), 0.5, 3.0, 1, HOLDS),
        ((1.0, 2.0), 0.5, 3.0, -1, REFUTED),
        ((-1.0, -2.0), -3.0, -0.5, -1, HOLDS),
        ((1.0, 2.0), -0.5, 3.0, 1, OPEN),
        ((5.0, -1.0), 0.5, 3.0, 1, OPEN),
    ],
)
def test_a_claim_holds_or_is_refuted_only_where_the_interval_and_every_seed_agree(
    by_seed: tuple[float, float], low: float, high: float, sign: int, verdict: str
) -> None:
    found = Difference(dict(enumerate(by_seed)), Interval(sum(by_seed) / 2, low, high))
    assert found.verdict(sign) == verdict
    assert Difference(found.by_seed, None).verdict(sign) == OPEN, "no predictions, no interval"
