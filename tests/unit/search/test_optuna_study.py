"""A study in Optuna's storage whose drivers are killed while it begins."""

from __future__ import annotations

from optuna.storages import InMemoryStorage

from panda_ray.search.in_optuna.optuna_study import OptunaStudy
from panda_ray.search.trials import WarmPoint
from panda_ray.sweep.search_section import SearchSection

SECTION = SearchSection.model_validate(
    {"space": {"lr": {"low": 1e-3, "high": 1e-1, "log": True}, "epochs": {"low": 1, "high": 9}}, "trials": 5}
)
WARM = (WarmPoint("cb", 0.5, {"lr": 0.0123, "epochs": 3}), WarmPoint("rte", 0.25, {"lr": 0.05, "epochs": 9}))


def study_in(storage: InMemoryStorage) -> OptunaStudy:
    return OptunaStudy(storage, "study", SECTION, ["epochs"], 9)


def test_what_a_study_begins_with_is_asked_for_first_and_once_however_often_it_begins() -> None:
    storage = InMemoryStorage()
    assert study_in(storage).warm is None
    study_in(storage).begin_with(WARM)
    study_in(storage).begin_with(WARM)
    study = study_in(storage)
    assert study.warm == WARM
    first = study.ask()
    study.tell(first, 50.0)
    study.begin_with(WARM)
    assert [first.point, study.ask().point] == [warm.point for warm in WARM]
    assert study.ask().point not in [warm.point for warm in WARM]
    assert len(study.trials()) == 3


def test_the_noted_points_count_not_those_that_another_driver_would_find() -> None:
    storage = InMemoryStorage()
    study_in(storage).begin_with(WARM[:1])
    study = study_in(storage)
    study.begin_with(WARM)
    assert study.warm == WARM[:1]
    assert [study.ask().point == warm.point for warm in WARM] == [True, False]


def test_a_point_whose_driver_was_killed_between_two_of_its_values_is_asked_for_again() -> None:
    storage = InMemoryStorage()
    study = study_in(storage)
    study.begin_with(WARM)
    asked = study._study.ask()
    asked.suggest_float("lr", 1e-3, 1e-1, log=True)
    again = study_in(storage)
    again.fail_cut_short()
    assert [again.ask().point, again.ask().point] == [WARM[1].point, WARM[0].point]
    assert [trial.state for trial in again.trials()] == ["running", "running"]
