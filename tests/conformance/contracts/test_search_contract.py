"""What every sampler and every pruner of a search must hold: a new name in the schema inherits these tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from optuna.storages import InMemoryStorage

from panda_ray.search.in_optuna.optuna_study import OptunaStudy
from panda_ray.search.pruning import first_look
from panda_ray.search.trials import Trial
from panda_ray.sweep.search_section import PrunerName, Sampler, SearchSection

EPOCHS = 8
LISTS = {"lr": [0.01, 0.03, 0.1], "epochs": [2, 4, 8], "options.kd_loss": ["mse", "kl"]}
MIXED = {
    "lr": {"low": 1e-3, "high": 1e-1, "log": True},
    "epochs": {"low": 2, "high": EPOCHS},
    "options.kd_loss": ["mse", "kl"],
}


def opened(storage: InMemoryStorage, **section: Any) -> OptunaStudy:
    given = {"space": LISTS if section.get("sampler") == "grid" else MIXED, **section}
    if section.get("sampler") != "grid":
        given["trials"] = 12
    return OptunaStudy(storage, "study", SearchSection.model_validate(given), ["epochs"], EPOCHS)


@pytest.fixture(params=get_args(Sampler))
def sampler(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=get_args(PrunerName))
def pruner(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def asked_in_generations(storage: InMemoryStorage, sampler: str, again: bool) -> Iterator[Trial]:
    """Twelve points, four at a time; the second of each generation fails and the third is pruned.

    Args:
        again: whether the study is opened anew before each question and answer.
    """
    study = opened(storage, sampler=sampler)
    for generation in range(3):
        trials = []
        for _ in range(4):
            study = opened(storage, sampler=sampler) if again else study
            trials.append(study.ask())
        for place, trial in enumerate(trials):
            study = opened(storage, sampler=sampler) if again else study
            study.tell(
                trial, None if place in (1, 2) else 10.0 * generation + place, "diverged" if place == 1 else None
            )
        yield from trials


def test_a_sampler_draws_inside_of_the_space_whatever_became_of_the_points_before(sampler: str) -> None:
    trials = [*asked_in_generations(InMemoryStorage(), sampler, again=False)]
    assert len(trials) == 12
    for trial in trials:
        assert trial.point.keys() == MIXED.keys()
        lr, epochs = trial.point["lr"], trial.point["epochs"]
        assert isinstance(lr, float)
        assert 1e-3 <= lr <= 1e-1
        assert isinstance(epochs, int)
        assert 2 <= epochs <= EPOCHS
        assert trial.point["options.kd_loss"] in ("mse", "kl")


def test_a_sampler_draws_for_whoever_goes_on_what_it_would_have_drawn(sampler: str) -> None:
    kept, new = (asked_in_generations(InMemoryStorage(), sampler, again) for again in (False, True))
    assert [trial.point for trial in kept] == [trial.point for trial in new]


def test_a_sampler_asks_for_no_point_twice_while_none_of_a_stack_has_ended(sampler: str) -> None:
    study = opened(InMemoryStorage(), sampler=sampler)
    points = [tuple(study.ask().point.items()) for _ in range(12)]
    assert len({*points}) == 12


def test_a_grid_asks_for_every_point_once() -> None:
    study = opened(InMemoryStorage(), sampler="grid")
    points = [tuple(point[name] for name in LISTS) for point in (study.ask().point for _ in range(18))]
    assert {*points} == {
        (lr, epochs, loss) for lr in LISTS["lr"] for epochs in LISTS["epochs"] for loss in LISTS["options.kd_loss"]
    }


def trained(study: OptunaStudy, score: float, until: int = EPOCHS) -> int | None:
    """A new trial whose epochs all have one score; the epoch after which it is stopped, None for one that ends."""
    trial = study.ask()
    for epoch in range(1, until):
        if study.report(trial, epoch, score + epoch / 100):
            study.tell(trial, None)
            return epoch
    study.tell(trial, score)
    return None


def with_eight_trials(storage: InMemoryStorage, pruner: str) -> OptunaStudy:
    """Each better than the one before, so that none is stopped."""
    study = opened(storage, sampler="random", pruner=pruner)
    assert [trained(study, score) for score in range(50, 58)] == [None] * 8
    return study


def test_a_pruner_never_stops_the_best_and_always_the_worst_but_for_none(pruner: str) -> None:
    study = with_eight_trials(InMemoryStorage(), pruner)
    assert trained(study, 70) is None
    stopped = trained(study, 10)
    if pruner == "none":
        assert stopped is None
    else:
        assert stopped is not None
    assert trained(study, 80) is None


def test_a_pruner_stops_nothing_before_its_first_look(pruner: str) -> None:
    study = with_eight_trials(InMemoryStorage(), pruner)
    look = first_look(pruner, EPOCHS)  # type: ignore[arg-type]
    stopped = trained(study, 10)
    assert (stopped is None) == (look is None)
    assert stopped is None or (look is not None and stopped >= look)


def test_a_pruner_says_the_same_to_whoever_goes_on(pruner: str) -> None:
    verdicts = []
    for again in (False, True):
        storage = InMemoryStorage()
        study = with_eight_trials(storage, pruner)
        trial = study.ask()
        said = []
        for epoch in range(1, EPOCHS):
            study = opened(storage, sampler="random", pruner=pruner) if again else study
            said.append(study.report(trial, epoch, 49 + epoch / 100))
        verdicts.append(said)
    assert verdicts[0] == verdicts[1]
    assert any(verdicts[0]) == (pruner != "none")


def test_a_stopped_trial_stays_stopped(pruner: str) -> None:
    storage = InMemoryStorage()
    study = with_eight_trials(storage, pruner)
    stopped = trained(study, 10)
    last = opened(storage, sampler="random", pruner=pruner).trials()[-1]
    assert last.state == ("done" if stopped is None else "pruned")
    assert max(last.reported) == (EPOCHS - 1 if stopped is None else stopped)
    study.tell(last, 99.0)
    assert study.trials()[-1].state == last.state
