"""`import panda_ray as pr`: cheap until something is used, and then what the use cases give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import panda_ray as pr
from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.tracking.reading.read_study import read_study

SMALL = {"max_train_rows": 32, "max_dev_rows": 16}
CHANGES = {
    "sources": ["review", "kinds"],
    "targets": ["remark"],
    "methods": ["prompt_tuning", "pot"],
    "metrics": ["e_avg"],
    "seeds": [11, 12],
    "training.epochs": 2,
    "training.lr": 1e-05,
    "tasks": dict.fromkeys(("review", "kinds", "remark"), SMALL),
}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> pr.Sweep:
    return pr.Sweep.load("quickstart", {**CHANGES, "storage": str(tmp_path_factory.mktemp("study"))})


@pytest.fixture(scope="module")
def ended(sweep: pr.Sweep) -> object:
    before = sweep.plan()
    assert before.units.loc["pot"].to_dict() == {"total": 4, "done": 0, "to_run": 4, "blocked": 0}
    assert before.seconds > 0
    return sweep.run(runner="inline")


def test_a_plain_import_takes_no_library_along() -> None:
    code = "import sys, panda_ray; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "ray", "pandas", "mlflow", "numpy", "pydantic"} & set(loaded)


def test_what_is_offered_is_listed_and_nothing_else_is_there() -> None:
    assert {"Sweep", "recommend", "__version__"} <= set(dir(pr))
    with pytest.raises(AttributeError, match="no attribute 'Sweeep'"):
        _ = pr.Sweeep  # type: ignore[attr-defined]


def test_changes_are_values_of_python(sweep: pr.Sweep) -> None:
    assert sweep.section.training.lr == 1e-05
    assert sweep.section.seeds == [11, 12]
    assert "2 sources x 1 targets" in repr(sweep)


def test_a_wrong_change_or_runner_or_frame_is_one_sentence(sweep: pr.Sweep) -> None:
    with pytest.raises(InputError, match="unknown key 'epoch'"):
        pr.Sweep.load("quickstart", {"training.epoch": 3})
    with pytest.raises(InputError, match="unknown runner 'inlin'; did you mean 'inline'"):
        sweep.run(runner="inlin")
    with pytest.raises(InputError, match="no meaning with runner='inline'"):
        sweep.run(runner="inline", address="auto")
    with pytest.raises(InputError, match="unknown kind of frame 'score'; did you mean 'scores'"):
        sweep.frame("score")
    with pytest.raises(InputError, match="unknown column 'targets'; did you mean 'target'"):
        sweep.frame("curves", targets="remark")


def test_a_run_is_complete_and_says_what_was_found(ended: object, sweep: pr.Sweep) -> None:
    assert ended.complete  # type: ignore[attr-defined]
    assert ended.failures.empty  # type: ignore[attr-defined]
    assert "6 of 6 cells done" in repr(ended)
    assert any("pot against prompt tuning" in line for line in ended.headline)  # type: ignore[attr-defined]
    assert Path(ended.page).is_file()  # type: ignore[attr-defined]
    assert "nothing to run" in repr(sweep.plan())


def test_frames_have_what_store_and_mlflow_have(ended: object, sweep: pr.Sweep) -> None:
    cells = sweep.frame("cells")
    assert len(cells) == 6
    assert set(cells.state) == {"done"}
    scores = sweep.frame("scores")
    study = read_study(f"sqlite:///{sweep.section.storage}/mlflow.db", sweep.name, sweep.section)
    pd.testing.assert_frame_equal(scores, study.scores.reset_index(drop=True))
    assert len(sweep.frame("scores", seed=12, method="pot")) == 2
    assert set(sweep.frame("similarities").metric) == {"e_avg"}
    curves = sweep.frame("curves", method="pot", sources="kinds", seed=11)
    (key,) = cells.loc[(cells.method == "pot") & (cells.sources == "kinds") & (cells.seed == 11), "key"]
    record = Store(sweep.section.storage).known(key)
    assert [*curves.score] == [epoch["score"] for epoch in record["history"]]
    assert [*curves.epoch] == [1, 2]


def test_predictions_give_the_score_of_their_cell(ended: object, sweep: pr.Sweep) -> None:
    predictions = sweep.frame("predictions")
    assert len(predictions) == 6 * SMALL["max_dev_rows"]
    right = (predictions.prediction == predictions.reference).groupby([predictions.sources, predictions.seed]).mean()
    scores = sweep.frame("scores").set_index(["sources", "seed"]).score
    pd.testing.assert_series_equal(100 * right, scores.sort_index(), check_names=False)


def test_the_table_is_that_of_the_report(ended: object, sweep: pr.Sweep) -> None:
    table = sweep.table()
    assert [*table.columns] == ["remark", "average", "gain"]
    scores = sweep.frame("scores")
    mean = scores[(scores.method == "pot") & (scores.sources == "review")].score.mean()
    assert table.loc[("pot", "review"), "remark"] == pytest.approx(mean)
    baseline = scores[scores.method == "prompt_tuning"].score.mean()
    assert table.loc[("pot", "review"), "gain"] == pytest.approx(mean - baseline)
    with pytest.raises(InputError, match="unknown backbone 'bert'"):
        sweep.table("bert")


def test_sources_are_ranked_by_similarity_without_a_prediction_from_too_little(ended: object, sweep: pr.Sweep) -> None:
    ranked = pr.recommend(sweep, "duplicate")
    assert set(ranked.frame.source) == {"review", "kinds"}
    assert ranked.frame.similarity.is_monotonic_decreasing
    assert ranked.best == ranked.frame.source[0]
    assert ranked.frame[["gain", "low", "high", "measured"]].isna().all(axis=None)
