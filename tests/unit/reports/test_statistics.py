from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from scipy.stats import binomtest, spearmanr

from panda_ray.reports.numbers.signs import sign_test
from panda_ray.reports.numbers.statistics import Bootstrap, Compared, ScoredItems
from panda_ray.reports.numbers.transferability import correlation, metric_quality, relatedness
from panda_ray.tasks import get_task
from panda_ray.tasks.measures.scores import reduce
from support.sweeps.studies import TASKS, invented_study, item_statistics


def unit(correct: np.ndarray, target: str = "cb") -> ScoredItems:
    return ScoredItems(target, "accuracy", correct.astype(float)[:, None])


def seeds(*pairs: tuple[str, str]) -> Compared:
    return {("cb", "rte", seed): pair for seed, pair in enumerate(pairs)}


@pytest.mark.parametrize("at_once", [1, 128])
def test_identical_predictions_have_no_uncertainty_however_many_units_are_scored_at_once(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panda_ray.reports.numbers.statistics._UNITS_AT_ONCE", at_once)
    correct = np.random.default_rng(0).random(50) < 0.7
    interval = Bootstrap({"a": unit(correct), "b": unit(correct)}).difference(seeds(("a", "b")))
    assert interval is not None
    assert (interval.estimate, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_interval_is_the_normal_one_for_many_items() -> None:
    """For a mean of paired differences the bootstrap must agree with the textbook interval."""
    generator = np.random.default_rng(0)
    first, second = generator.random(2000) < 0.8, generator.random(2000) < 0.7
    difference = 100 * (first.astype(float) - second.astype(float))
    interval = Bootstrap({"a": unit(first), "b": unit(second)}).difference(seeds(("a", "b")))
    assert interval is not None
    margin = 1.96 * difference.std() / np.sqrt(len(difference))
    assert interval.estimate == pytest.approx(difference.mean())
    assert interval.low == pytest.approx(difference.mean() - margin, abs=0.25)
    assert interval.high == pytest.approx(difference.mean() + margin, abs=0.25)


def test_pairing_narrows_the_interval() -> None:
    """Two units that err on the same items differ less than two that err independently."""
    generator = np.random.default_rng(0)
    first = generator.random(400) < 0.6
    alike = first | (generator.random(400) < 0.05)
    apart = generator.permutation(alike)
    bootstrap = Bootstrap({"first": unit(first), "alike": unit(alike), "apart": unit(apart)})
    paired, unpaired = bootstrap.difference(seeds(("alike", "first"))), bootstrap.difference(seeds(("apart", "first")))
    assert paired is not None
    assert unpaired is not None
    assert paired.estimate == pytest.approx(unpaired.estimate)
    assert paired.high - paired.low < 0.5 * (unpaired.high - unpaired.low)


def test_a_replicate_scores_all_seeds_on_the_same_items() -> None:
    """Seeds are strata with common items: the same predictions under three seeds are as uncertain as under one."""
    generator = np.random.default_rng(0)
    first, second = unit(generator.random(60) < 0.8), unit(generator.random(60) < 0.6)
    bootstrap = Bootstrap({"a": first, "b": second})
    once, thrice = bootstrap.difference(seeds(("a", "b"))), bootstrap.difference(seeds(*[("a", "b")] * 3))
    assert once is not None
    assert thrice is not None
    assert astuple(thrice) == pytest.approx(astuple(once))


def test_replicates_follow_the_definition() -> None:
    """The interval of a measure that is no mean, against a bootstrap written out by hand."""
    generator = np.random.default_rng(3)
    statistics = {name: item_statistics("matthews", skill, 70, generator) for name, skill in (("a", 0.9), ("b", 0.6))}
    units = {name: ScoredItems("cola", "matthews", statistics_IM) for name, statistics_IM in statistics.items()}
    interval = Bootstrap(units, replicates=4000).difference(seeds(("a", "b")))
    samples = np.random.default_rng(99).integers(0, 70, (4000, 70))
    by_hand = [reduce("matthews", statistics["a"][s]) - reduce("matthews", statistics["b"][s]) for s in samples]
    assert interval is not None
    assert interval.low == pytest.approx(np.quantile(by_hand, 0.025), abs=1.5)
    assert interval.high == pytest.approx(np.quantile(by_hand, 0.975), abs=1.5)


def test_honest_protocol_resamples_the_reported_half() -> None:
    study = invented_study(seeds=(11,), items=30)
    key, target, measure = study.scores.iloc[0][["key", "target", "measure"]]
    items = study.examples[key]
    assert reduce(measure, items.of("honest")) == study.scores.iloc[0]["score_honest"]
    assert items.of("honest").tolist() == items.honest_IM[~items.select_I].tolist()
    assert len(items.of("honest")) == 15
    assert len(items.of("paper")) == 30
    assert target in TASKS


def test_unknown_predictions_give_no_interval() -> None:
    assert Bootstrap({"a": unit(np.ones(5))}).difference(seeds(("a", "b"))) is None
    assert Bootstrap({}).difference({}) is None


def test_correlation_is_scipys_per_target_and_averaged() -> None:
    generator = np.random.default_rng(0)
    pairs = [(f"s{i}", target) for target in ("t", "u") for i in range(6)]
    ranking, outcome = ({pair: float(generator.normal()) for pair in pairs} for _ in range(2))
    expected = [
        spearmanr(*([values[f"s{i}", target] for i in range(6)] for values in (ranking, outcome))).statistic
        for target in ("t", "u")
    ]
    found = correlation(ranking, outcome)
    assert list(found.by_target.values()) == pytest.approx(expected)
    assert found.mean == pytest.approx(np.mean(expected))
    assert found.n == 2


@pytest.mark.parametrize("values", [[1.0, 1.0, 1.0, 1.0], [0.3, 0.1]])
def test_correlation_that_does_not_exist_is_left_out(values: list[float]) -> None:
    ranking = {(f"s{i}", "t"): value for i, value in enumerate(values)}
    outcome = {(f"s{i}", "t"): float(i) for i in range(4)}
    assert correlation(ranking, outcome).mean is None


def test_relatedness_by_hand() -> None:
    groups = {"a": "x", "b": "x", "c": "y"}
    ranking = {("a", "b"): 0.8, ("b", "a"): 0.6, ("a", "c"): 0.1, ("c", "a"): 0.3}
    found = relatedness(ranking, groups)
    assert (found.within, found.within_n) == (pytest.approx(0.7), 2)
    assert (found.between, found.between_n) == (pytest.approx(0.2), 2)


def test_self_pairs_count_only_where_it_says_so() -> None:
    """Ranking four sources with the self pair first, and the three others the wrong way round."""
    ranking = {("a", "a"): 1.0, ("b", "a"): 0.3, ("c", "a"): 0.2, ("d", "a"): 0.1}
    outcome = {("a", "a"): 9.0, ("b", "a"): 1.0, ("c", "a"): 2.0, ("d", "a"): 3.0}
    quality = metric_quality("m", ranking, outcome, outcome, outcome, {"a": "x", "b": "x", "c": "y", "d": "y"})
    assert quality.first_epoch.mean == pytest.approx(-1.0)
    assert quality.gain.mean == pytest.approx(-1.0)
    assert quality.first_epoch_with_self.mean == pytest.approx(spearmanr([1.0, 0.3, 0.2, 0.1], [9, 1, 2, 3]).statistic)
    assert quality.relatedness.within_n == 1


def test_two_other_tasks_are_of_two_types() -> None:
    """WiC, CoLA and SST-2 share the group "other" of the heat maps, and no type."""
    groups = {name: get_task(name).group for name in ("wic", "cola", "sst2", "cb", "rte")}
    assert groups["wic"] == groups["cola"] == groups["sst2"] == "other"
    ranking = {("wic", "cola"): 0.1, ("sst2", "cola"): 0.2, ("rte", "cb"): 0.9, ("cb", "cola"): 0.3}
    found = relatedness(ranking, groups)
    assert (found.within, found.within_n) == (pytest.approx(0.9), 1)
    assert (found.between, found.between_n) == (pytest.approx(0.2), 3)


@pytest.mark.parametrize(("above", "below"), [(0, 1), (3, 3), (9, 1), (1, 9), (12, 7), (560, 385), (945, 0)])
def test_the_sign_test_is_scipys(above: int, below: int) -> None:
    assert sign_test(above, below) == pytest.approx(binomtest(above, above + below).pvalue, rel=1e-9)


def test_nothing_is_shown_by_cells_that_are_all_equal() -> None:
    assert sign_test(0, 0) == 1.0
