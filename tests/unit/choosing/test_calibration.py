"""Predicted gains: against least squares, in their order, and as often inside their interval as they should be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from panda_ray.choosing.calibration import Evidence, calibrated, coverage


def drawn(generator: np.random.Generator, targets: int, slope: float = 3.0, sources: int = 9) -> Evidence:
    """Gains whose targets differ by 5 points and whose sources by 2, besides what similarity says."""
    evidence = {}
    for target in range(targets):
        place = generator.normal(size=sources)
        gains = 4 + 5 * generator.normal() + slope * (place - place.mean()) / place.std()
        gains += 2 * generator.normal(size=sources)
        similar = 0.5 + 0.01 * (target + 1) * place
        evidence[f"t{target}"] = {f"s{s}": (similar[s], gains[s]) for s in range(sources)}
    return evidence


def test_level_slope_and_width_are_those_of_least_squares_with_a_level_per_target() -> None:
    evidence = drawn(np.random.default_rng(1), targets=6)
    rows, gains = [], []
    for number, pairs in enumerate(evidence.values()):
        similar = np.array([value for value, _ in pairs.values()])
        for place, (_, gain) in zip((similar - similar.mean()) / similar.std(), pairs.values(), strict=True):
            rows.append([place, *np.eye(6)[number]])
            gains.append(gain)
    design, observed = np.array(rows), np.array(gains)
    (slope, *levels), *_ = np.linalg.lstsq(design, observed, rcond=None)
    within = np.sum((observed - design @ np.array([slope, *levels])) ** 2) / (len(gains) - 7)
    width = stats.t.ppf(0.95, 5) * np.sqrt(np.var(levels, ddof=1) * (1 + 1 / 6) + within)
    found = calibrated(evidence)
    assert found is not None
    assert (found.slope, found.level, found.half_width) == pytest.approx((slope, np.mean(levels), width))
    said = found.predicted({"a": 0.2, "b": 0.4})
    assert said["b"].gain == pytest.approx(np.mean(levels) + slope), "one standard deviation above the mean"
    assert (said["b"].low, said["b"].high) == pytest.approx((said["b"].gain - width, said["b"].gain + width))


def test_intervals_of_new_targets_hold_nine_of_ten_gains() -> None:
    generator, held, of = np.random.default_rng(2), 0, 0
    for _ in range(200):
        found = coverage(drawn(generator, targets=5))
        assert found is not None
        held, of = held + found[0], of + found[1]
    assert 0.87 < held / of < 0.95


def test_who_ranks_higher_is_never_predicted_to_gain_less() -> None:
    found = calibrated(drawn(np.random.default_rng(3), targets=5, slope=-4.0))
    assert found is not None
    assert found.slope == 0
    assert len({each.gain for each in found.predicted({"a": 0.1, "b": 0.9}).values()}) == 1


def test_two_targets_predict_nothing_and_three_have_no_coverage() -> None:
    evidence = drawn(np.random.default_rng(4), targets=3)
    assert calibrated(evidence) is not None
    assert coverage(evidence) is None
    assert calibrated({name: pairs for name, pairs in evidence.items() if name != "t0"}) is None
    lonely = {**evidence, "t0": {"s0": evidence["t0"]["s0"]}}
    assert calibrated(lonely) is None, "of one source, nothing is to be seen of similarity"


def test_equal_similarities_are_predicted_equal_gains() -> None:
    flat = {
        target: {s: (0.5, gain) for s, (_, gain) in pairs.items()}
        for target, pairs in drawn(np.random.default_rng(5), targets=4).items()
    }
    found = calibrated(flat)
    assert found is not None
    assert found.slope == 0
    assert {each.gain for each in found.predicted({"a": 0.5, "b": 0.5}).values()} == {found.level}
