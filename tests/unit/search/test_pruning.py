"""When halving looks at a trial, and who stops."""

from __future__ import annotations

from collections.abc import Callable

import optuna
import pytest

from panda_ray.search.in_optuna.optuna_parts import pruner
from panda_ray.search.pruning import first_look

EPOCHS = 32


@pytest.fixture
def study() -> optuna.Study:
    """Eight trials that kept the scores 1 to 8 all along, none of which was stopped."""
    found = optuna.create_study(direction="maximize", pruner=pruner("halving", EPOCHS))
    for score in range(1, 9):
        assert _stopped(found, lambda _, score=score: score) is None
    return found


@pytest.mark.parametrize(("score", "end"), [(4.5, 2), (5.5, None)])
def test_halving_stops_the_worse_half(study: optuna.Study, score: float, end: int | None) -> None:
    assert _stopped(study, lambda _: score) == end


@pytest.mark.parametrize("epoch", range(1, EPOCHS))
def test_halving_looks_after_a_16th_of_the_epochs_and_whenever_they_have_doubled(
    study: optuna.Study, epoch: int
) -> None:
    looks = (first_look("halving", EPOCHS), 4, 8, 16)
    assert looks[0] == EPOCHS // 16
    assert _stopped(study, lambda now: 0 if now == epoch else 9) == (epoch if epoch in looks else None)


def _stopped(study: optuna.Study, score: Callable[[int], float]) -> int | None:
    """The epoch after which a new trial of these scores is stopped; None for one that comes to its end."""
    trial = study.ask()
    for epoch in range(1, EPOCHS):
        trial.report(score(epoch), epoch)
        if trial.should_prune():
            return epoch
    return None
