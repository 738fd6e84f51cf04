"""The confirmation of metrics: means, intervals and paired differences over seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel

from benchmarks.choosing.over_seeds import compared_with, figures, mean_of, table
from panda_ray.reports.numbers.choosing import Choosing, choosing

SOURCES = ("a", "b", "c", "d")


def seeds(count: int) -> dict[int, dict[str, Choosing]]:
    """Two metrics and the control on one target whose best source is "a" with every seed."""
    draw, found = np.random.default_rng(0), {}
    for seed in range(count):
        scores = {(source, "x"): 80.0 - 10 * at + draw.normal() for at, source in enumerate(SOURCES)}
        gains = {pair: score - 60 for pair, score in scores.items()}
        rankings = {
            "good": {pair: score + 5 * draw.normal() for pair, score in scores.items()},
            "poor": {pair: -score for pair, score in scores.items()},
            "constant": dict.fromkeys(scores, 1.0),
        }
        found[seed] = {metric: choosing(ranking, scores, gains) for metric, ranking in rankings.items()}
    return found


def test_an_interval_is_students_at_its_level() -> None:
    values = [3.0, 5.0, 4.5, 7.0]
    for level in (0.95, 0.99):
        expected = ttest_1samp(values, 0).confidence_interval(level)
        found = mean_of(values, level)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
        assert found.mean == pytest.approx(np.mean(values))
    assert str(mean_of([2.0])) == "2.0", "one seed has no interval"


def test_differences_are_paired_by_seed_and_corrected_for_their_number() -> None:
    by_metric = figures(seeds(6))
    own, other = (by_metric[metric]["regret@1"] for metric in ("good", "poor"))
    expected = ttest_rel(own, other).confidence_interval(0.95)
    said = compared_with(by_metric, "poor")
    assert f"good: {np.mean(own) - np.mean(other):.1f} [{expected.low:.1f}, {expected.high:.1f}]" in said
    assert "95.0 % intervals for 1 comparisons" in said
    assert "constant" not in said
    twice = {**by_metric, "third": by_metric["good"]}
    assert "97.5 % intervals for 2 comparisons" in compared_with(twice, "poor")


def test_the_table_has_the_least_regret_first_and_no_figures_that_a_grid_is_too_small_for() -> None:
    by_metric = figures(seeds(4))
    lines = table(by_metric, {"good": 0.126}).splitlines()
    assert [line.split("`")[1] for line in lines[2:]] == ["good", "constant", "poor"]
    assert lines[2].endswith("| 0.13 |")
    assert "regret@5" not in by_metric["good"]
    assert by_metric["poor"]["gain of the first choice"] == by_metric["poor"]["worst first choice"]
    assert all(gain < 0 for gain in by_metric["poor"]["worst first choice"])
