from __future__ import annotations

import itertools

import pytest

from panda_ray.search.in_optuna.optuna_importances import importances
from panda_ray.search.trials import Trial
from panda_ray.sweep.search_section import RangeSection

SPACE = {"lr": RangeSection(low=1e-3, high=1e-1, log=True), "epochs": [1, 2, 4]}


def trials(by: str) -> list[Trial]:
    """A grid in which one name decides the value."""
    points = itertools.product((1e-3, 1e-2, 1e-1), (1, 2, 4))
    found = [{"lr": lr, "epochs": epochs} for lr, epochs in points]
    return [Trial(number, point, "done", 100.0 * point[by]) for number, point in enumerate(found)]


@pytest.mark.parametrize("by", ["lr", "epochs"])
def test_the_name_that_decides_the_value_is_the_most_important(by: str) -> None:
    found = importances(SPACE, ["epochs"], trials(by))
    assert next(iter(found)) == by
    assert found[by] > 0.9
    assert sum(found.values()) == pytest.approx(1)


def test_trials_without_a_value_do_not_count() -> None:
    pruned = [Trial(20 + number, {"lr": 1e-1, "epochs": 4}, "pruned") for number in range(9)]
    assert importances(SPACE, ["epochs"], [*trials("lr"), *pruned]) == importances(SPACE, ["epochs"], trials("lr"))


EQUAL = [Trial(number, {"lr": 0.01, "epochs": 1}, "done", 50.0) for number in range(9)]


@pytest.mark.parametrize("few", [[], trials("lr")[:3], EQUAL], ids=["none", "three", "equal"])
def test_of_few_points_or_equal_ones_nothing_is_said(few: list[Trial]) -> None:
    assert importances(SPACE, ["epochs"], few) == {}
