"""Regret of a metric's choice, by hand and against every order of equally ranked sources."""

from __future__ import annotations

from itertools import permutations
from statistics import fmean

import pytest

from panda_ray.reports.numbers.choosing import choosing, expected_best


def by_target(target: str, **values: float) -> dict[tuple[str, str], float]:
    return {(source, target): value for source, value in values.items()}


def test_regret_is_the_distance_from_the_best_in_percent_of_it() -> None:
    ranking = by_target("t", a=0.9, b=0.8, c=0.7, d=0.1)
    scores = by_target("t", a=40.0, b=60.0, c=50.0, d=80.0)
    regret = choosing(ranking, scores, {}).regret
    assert regret[1] == {"t": pytest.approx(50.0)}
    assert regret[3] == {"t": pytest.approx(25.0)}


def test_a_target_without_more_than_k_sources_has_no_regret_at_k() -> None:
    ranking = by_target("few", a=0.9, b=0.8, c=0.7) | by_target("many", a=0.1, b=0.2, c=0.3, d=0.4)
    scores = by_target("few", a=40.0, b=60.0, c=50.0) | by_target("many", a=40.0, b=60.0, c=50.0, d=80.0)
    found = choosing(ranking, scores, {})
    assert found.regret[1].keys() == {"few", "many"}
    assert found.regret[3].keys() == {"many"}
    assert found.regret[5] == {}
    assert found.mean_regret(5) is None
    assert found.mean_regret(1) == pytest.approx((100 * 20 / 60 + 0) / 2)


def test_the_task_itself_and_sources_without_a_score_are_no_choice() -> None:
    ranking = by_target("t", t=1.0, absent=0.95, a=0.9, b=0.8)
    scores = by_target("t", t=99.0, a=50.0, b=40.0)
    assert choosing(ranking, scores, {}).regret[1] == {"t": 0.0}


def test_gain_is_that_of_the_first_choice_and_the_worst_target_is_named() -> None:
    ranking = by_target("t", a=0.9, b=0.8) | by_target("u", a=0.2, b=0.3)
    gains = by_target("t", a=1.0, b=5.0) | by_target("u", a=9.0, b=-2.0)
    found = choosing(ranking, dict.fromkeys(ranking, 50.0), gains)
    assert found.gain == {"t": 1.0, "u": -2.0}
    assert found.mean_gain == pytest.approx(-0.5)
    assert found.worst == ("u", -2.0)
    lacking = choosing(ranking, dict.fromkeys(ranking, 50.0), {})
    assert (lacking.mean_gain, lacking.worst) == (None, None)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("ranked", [(1, 1, 1, 1, 1, 1), (3, 2, 2, 2, 1, 1), (2, 2, 2, 1, 1, 1), (1, 2, 3, 4, 5, 6)])
def test_equally_ranked_sources_are_taken_in_every_order(ranked: tuple[int, ...], k: int) -> None:
    values = (4.0, 9.0, 1.0, 7.0, 9.0, -3.0)
    orders = [
        [value for _, value in sorted(zip(ranked, order, strict=True), key=lambda item: -item[0])]
        for order in permutations(values)
        if all(
            sorted(value for value, own in zip(order, ranked, strict=True) if own == rank)
            == sorted(value for value, own in zip(values, ranked, strict=True) if own == rank)
            for rank in set(ranked)
        )
    ]
    assert expected_best(ranked, values, k) == pytest.approx(fmean(max(order[:k]) for order in orders))
