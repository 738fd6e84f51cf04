from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from scipy.stats import spearmanr

from panda_ray.reports.statistics import Bootstrap, ScoredUnit
from panda_ray.reports.transferability import correlation, metric_quality, relatedness
from panda_ray.tasks.scoring import reduce
from panda_ray.tracking.study import ItemStatistics
from support.studies import TASKS, invented_study, item_statistics


def unit(correct: np.ndarray, target: str = "cb") -> ScoredUnit:
    best_IM = correct.astype(float)[:, None]
    return ScoredUnit(target, "accuracy", ItemStatistics(np.arange(len(correct)) % 2 == 0, best_IM, best_IM))


def test_identical_predictions_have_no_uncertainty() -> None:
    correct = np.random.default_rng(0).random(50) < 0.7
    interval = Bootstrap({"a": unit(correct), "b": unit(correct)}, "paper").difference([[("a", "b")]])
    assert interval is not None
    assert (interval.estimate, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_interval_is_the_normal_one_for_many_items() -> None:
    """For a mean of paired differences the bootstrap must agree with the textbook interval."""
    generator = np.random.default_rng(0)
    first, second = generator.random(2000) < 0.8, generator.random(2000) < 0.7
    difference = 100 * (first.astype(float) - second.astype(float))
    interval = Bootstrap({"a": unit(first), "b": unit(second)}, "paper").difference([[("a", "b")]])
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
    bootstrap = Bootstrap({"first": unit(first), "alike": unit(alike), "apart": unit(apart)}, "paper")
    paired, unpaired = bootstrap.difference([[("alike", "first")]]), bootstrap.difference([[("apart", "first")]])
    assert paired is not None
    assert unpaired is not None
    assert paired.estimate == pytest.approx(unpaired.estimate)
    assert paired.high - paired.low < 0.5 * (unpaired.high - unpaired.low)


def test_a_replicate_scores_all_seeds_on_the_same_items() -> None:
    """Seeds are strata with common items: the same predictions under three seeds are as uncertain as under one."""
    generator = np.random.default_rng(0)
    first, second = unit(generator.random(60) < 0.8), unit(generator.random(60) < 0.6)
    bootstrap = Bootstrap({"a": first, "b": second}, "paper")
    once, thrice = bootstrap.difference([[("a", "b")]]), bootstrap.difference([[("a", "b")] * 3])
    assert once is not None
    assert thrice is not None
    assert astuple(thrice) == pytest.approx(astuple(once))


def test_replicates_follow_the_definition() -> None:
    """The interval of a metric that is no mean, against a bootstrap written out by hand."""
    generator = np.random.default_rng(3)
    statistics = {name: item_statistics("matthews", skill, 70, generator) for name, skill in (("a", 0.9), ("b", 0.6))}
    select = np.zeros(70, bool)
    units = {name: ScoredUnit("cola", "matthews", ItemStatistics(select, s, s)) for name, s in statistics.items()}
    interval = Bootstrap(units, "paper", replicates=4000).difference([[("a", "b")]])
    samples = np.random.default_rng(99).integers(0, 70, (4000, 70))
    by_hand = [reduce("matthews", statistics["a"][s]) - reduce("matthews", statistics["b"][s]) for s in samples]
    assert interval is not None
    assert interval.low == pytest.approx(np.quantile(by_hand, 0.025), abs=1.5)
    assert interval.high == pytest.approx(np.quantile(by_hand, 0.975), abs=1.5)


def test_honest_protocol_resamples_the_reported_half() -> None:
    study = invented_study(seeds=(11,), items=30)
    key, target, metric = study.scores.iloc[0][["key", "target", "metric"]]
    items = study.examples[key]
    assert reduce(metric, items.of("honest")) == study.scores.iloc[0]["score_honest"]
    assert len(items.of("honest")) == 15
    assert len(items.of("paper")) == 30
    assert target in TASKS


def test_unknown_predictions_give_no_interval() -> None:
    assert Bootstrap({"a": unit(np.ones(5))}, "paper").difference([[("a", "b")]]) is None
    assert Bootstrap({}, "paper").difference([]) is None


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


def test_self_pairs_count_in_the_ranking_but_not_as_related_tasks() -> None:
    ranking = {("a", "a"): 1.0, ("b", "a"): 0.2, ("c", "a"): 0.1, ("d", "a"): 0.3}
    outcome = {("a", "a"): 9.0, ("b", "a"): 1.0, ("c", "a"): 2.0, ("d", "a"): 3.0}
    quality = metric_quality("m", ranking, outcome, {}, {"a": "x", "b": "x", "c": "y", "d": "y"})
    assert quality.first_epoch.mean == pytest.approx(spearmanr([1.0, 0.2, 0.1, 0.3], [9, 1, 2, 3]).statistic)
    assert quality.first_epoch_others.mean == pytest.approx(spearmanr([0.2, 0.1, 0.3], [1, 2, 3]).statistic)
    assert quality.relatedness.within_n == 1
    assert quality.gain.mean is None
