from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE
from panda_ray.sweep import Sweep
from panda_ray.sweep.named_tasks import task_of
from panda_ray.tasks import get_task
from panda_ray.tasks.caching.survey import survey
from panda_ray.tasks.rows.loading import load_rows
from panda_ray.tracking.reading.study import Study, TaskInfo
from panda_ray.usecases.reporting.shown_rows import shown_rows
from support.sweeps.records import BARE
from support.sweeps.studies import invented_study


def sweep_of(target: str, tmp_path: Path, **more: object) -> Sweep:
    return Sweep.model_validate(
        {
            "name": "shown",
            "storage": str(tmp_path / "store"),
            "backbones": [{"name": "builtin-tiny"}],
            "sources": ["review"],
            "targets": [target],
            "methods": [{"method": "prompt_tuning"}, {"method": "pot"}],
            "seeds": [1],
            **more,
        }
    )


def study_of(target: str, fingerprint: str) -> Study:
    study = invented_study(seeds=(11,), items=8)
    return replace(study, targets=(target,), tasks={target: TaskInfo("other", "accuracy", fingerprint)})


def test_rows_of_the_study_are_shown_with_what_is_right_and_others_are_not(tmp_path: Path) -> None:
    limits = {"remark": {"max_train_rows": 32, "max_dev_rows": 24}}
    sweep = sweep_of("remark", tmp_path, tasks=limits)
    spec = get_task("remark")
    dev = load_rows(spec, None, 32, 24).dev
    fingerprint = survey(spec, None, 32, 24).fingerprint
    found = shown_rows(sweep, study_of("remark", fingerprint), own_rows=False)["remark"]
    assert [right for _, right in found.rows] == [spec.labels[row["label"]] for row in dev]
    assert spec.first is not None
    assert all(str(spec.first(row)) in text for row, (text, _) in zip(dev, found.rows, strict=True))
    assert not found.absence
    changed = shown_rows(sweep, study_of("remark", "other"), own_rows=False)["remark"]
    assert (list(changed.rows), changed.absence) == ([], "the rows on this machine are not those that were trained on")


def test_rows_of_own_files_are_shown_only_if_that_is_asked_for(tmp_path: Path) -> None:
    lines = [f"text {number},{'yes' if number % 2 else 'no'}" for number in range(40)]
    (tmp_path / "my.csv").write_text("\n".join(["text,label", *lines]))
    mine = {"mine": {"data": str(tmp_path / "my.csv"), "kind": "classification", "text": ["text"], "label": "label"}}
    sweep = sweep_of("mine", tmp_path, tasks=mine)
    study = study_of("mine", survey(task_of("mine", sweep.tasks)).fingerprint)
    kept = shown_rows(sweep, study, own_rows=False)["mine"]
    assert not kept.rows
    assert "--own-rows" in kept.absence
    shown = shown_rows(sweep, study, own_rows=True)["mine"]
    assert shown.rows
    for text, right in shown.rows:
        assert (int(text.removeprefix("text ")) % 2 == 1) == (right == "yes")


def test_answers_are_read_from_the_store_in_words_and_those_that_it_lacks_are_left_out(tmp_path: Path) -> None:
    limits = {"remark": {"max_train_rows": 32, "max_dev_rows": 24}}
    fingerprint = survey(get_task("remark"), None, 32, 24).fingerprint
    labels = get_task("remark").labels
    mixed = {"item": [2, 0, 1], "prediction": ["1", "0", "0"], "prediction_honest": ["0", "1", "0"]}
    file = io.BytesIO()
    pq.write_table(pa.table(mixed), file)
    kept, lost = "a" * 64, "b" * 64
    Store(str(tmp_path / "store")).publish(kept, {**BARE, "key": kept}, {PREDICTIONS_FILE: file.getvalue()})
    for protocol, codes in (("paper", (0, 0, 1)), ("honest", (1, 0, 0))):
        sweep = sweep_of("remark", tmp_path, tasks=limits, protocol=protocol)
        found = shown_rows(sweep, study_of("remark", fingerprint), own_rows=False)["remark"]
        answers = found.answers({kept, lost}, {0, 2})
        assert answers == {kept: {item: labels[codes[item]] for item in (0, 2)}}


@pytest.mark.parametrize(
    ("target", "why"),
    [("conll05", "rows of a licensed set are not shown"), ("rte", "its rows are not on this machine")],
)
def test_rows_that_may_not_be_shown_or_are_not_here_are_left_out(
    target: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panda_ray.tasks.rows.hub.fetch", lambda *_: pytest.fail("a report fetches nothing"))
    found = shown_rows(sweep_of(target, tmp_path), study_of(target, "any"), own_rows=True)[target]
    assert (list(found.rows), found.absence) == ([], why)
