"""What MLflow keeps of sources that a metric chose: a report measures the regret by what an earlier run has logged."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.store.store import Store
from panda_ray.tracking.reading.read_progress import read_progress
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.reading.study import SourceChoice
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.usecases.choosing.best_of_sweep import best_of
from panda_ray.usecases.searching.searches import known_plan
from support.sweeps.chosen import choosing_sweep, run_invented
from support.sweeps.records import publish
from support.sweeps.tracked import track


def test_scores_of_an_earlier_grid_tell_what_choosing_costs(tmp_path: Path) -> None:
    whole = choosing_sweep(tmp_path, targets=["remark"], methods=["prompt_tuning", "pot"], seeds=[1])
    store = Store(str(tmp_path))
    publish(build_plan(whole, store), store)
    track(build_plan(whole, store), store)
    sweep = choosing_sweep(tmp_path, targets=["remark"], seeds=[1])
    uri = tracking_uri_of(sweep.storage, sweep.tracking_uri)
    before, _ = known_plan(sweep, store)
    track(before, store)
    begun = read_progress(uri, sweep.name)
    assert (begun.unchosen, len(begun.cells)) == (1, 1)

    run_invented(sweep, {("rating", "remark", 1): 0.5})
    plan, _ = known_plan(sweep, store)
    track(plan, store)
    study = read_study(uri, sweep.name, sweep)
    assert study.choices == {"pot": SourceChoice(2, "logme")}
    chosen = study.scores[study.scores["method"] == "pot"]
    assert set(chosen["sources"]) == {"review", "rating"}
    assert set(study.candidate_scores["sources"]) == set(sweep.single_sources) == set(study.candidates["sources"])
    assert len(study.candidate_scores) == len(sweep.single_sources)
    assert read_progress(uri, sweep.name).unchosen == 0


def test_best_names_the_source_of_one_target_from_mlflow_alone(tmp_path: Path) -> None:
    sweep = choosing_sweep(tmp_path, methods=["prompt_tuning", "pot"], seeds=[1])
    store = Store(str(tmp_path))
    with pytest.raises(InputError, match="unknown target 'remarks'; did you mean 'remark'"):
        best_of(sweep, "remarks")
    publish(build_plan(sweep, store), store)
    track(build_plan(sweep, store), store)
    score = {(cell.sources, cell.target): store.known(cell.key)["score"] for cell in build_plan(sweep, store).cells}
    others = {sources: value for (sources, target), value in score.items() if target == "kinds" and sources}
    others.pop(("kinds",))
    (found,) = best_of(sweep, "kinds")["builtin-tiny"]
    assert found.best.mean == pytest.approx(max(others.values()) - score[(), "kinds"])
    assert found.of == 3
    assert [each.target for each in best_of(sweep)["builtin-tiny"]] == sweep.targets
