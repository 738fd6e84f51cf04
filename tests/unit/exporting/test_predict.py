"""What an exported prompt says of new rows: what its training recorded, of every kind, and what PEFT alone says."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from panda_ray.cli.app import app
from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE
from panda_ray.sweep import MethodSection, Sweep
from panda_ray.tasks import get_task
from panda_ray.tasks.rows.loading import load_rows
from panda_ray.usecases.exporting.export import export_prompt
from panda_ray.usecases.exporting.predict import Prediction, Predictor
from support.sweeps.small_sweeps import PER_KIND, run_inline


def predict(folder: Path, data: str) -> list[Prediction]:
    return list(Predictor(folder).of_file(data))


def recorded(sweep: Sweep, key: str) -> list[Any]:
    content = Store(sweep.storage).read_file(key, PREDICTIONS_FILE)
    return [json.loads(value) for value in pq.read_table(pa.BufferReader(content))["prediction"].to_pylist()]


def dev_rows(sweep: Sweep, task: str) -> list[dict[str, Any]]:
    spec, limits = get_task(task), sweep.tasks[task]
    rows = load_rows(spec, None, limits.max_train_rows, limits.max_dev_rows).dev
    return [{column: row[column] for column in spec.columns if column != spec.label_column} for row in rows]


def written(sweep: Sweep, folder: Path, task: str) -> str:
    path = folder / f"{task}.parquet"
    pq.write_table(pa.Table.from_pylist(dev_rows(sweep, task)), path)
    return str(path)


@pytest.mark.parametrize("task", PER_KIND)
def test_rows_without_labels_get_the_predictions_that_the_training_recorded(
    trained: Sweep, tmp_path: Path, task: str
) -> None:
    record = export_prompt(trained, None, tmp_path / "out", task)
    found = predict(tmp_path / "out", written(trained, tmp_path, task))
    spec = get_task(task)
    expected = [spec.kind.named(spec, value) for value in recorded(trained, record["key"])]
    assert [each.row for each in found] == list(range(len(expected)))
    predictions = [each.prediction for each in found]
    assert predictions == (pytest.approx(expected, abs=1e-4) if spec.kind.name == "regression" else expected)
    for each in found:
        if isinstance(each.probability, dict):
            assert max(each.probability, key=each.probability.__getitem__) == each.prediction
            assert sum(each.probability.values()) == pytest.approx(1)
        elif isinstance(each.probability, list):
            assert len(each.probability) == len(each.prediction)
            assert all(share is None or 1 / len(spec.labels) <= share <= 1 for share in each.probability)
        else:
            assert (each.probability is None) == (spec.kind.name == "regression")
            assert each.probability is None or 0 < each.probability <= 1


@pytest.mark.parametrize("method", ["prompt_tuning", "lester"])
def test_the_code_of_the_card_gives_the_same_answers_with_peft_and_transformers(
    trained: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    sweep = trained.model_copy(update={"targets": ["remark"], "methods": [MethodSection(method=method)]})
    run_inline(sweep)
    export_prompt(sweep, None, tmp_path / "out", "remark")
    texts = [row["sentence"] for row in dev_rows(trained, "remark")]
    ours = [each.probability["good"] for each in predict(tmp_path / "out", written(trained, tmp_path, "remark"))]
    _, code, _ = (tmp_path / "out" / "README.md").read_text().split("```")
    assert '["a text"]' in code
    names: dict[str, Any] = {}
    monkeypatch.chdir(tmp_path / "out")
    exec(code.removeprefix("python\n").replace('["a text"]', repr(texts)), names)
    theirs = names["outputs"].softmax(dim=1)[:, 1].tolist()
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_predictions_are_written_into_a_new_file_alone(trained: Sweep, tmp_path: Path) -> None:
    export_prompt(trained, None, tmp_path / "out", "remark")
    data = tmp_path / "new.csv"
    data.write_text("id,sentence\n1,the pretrim found the prezuhax .\n2,how pikla !\n")
    command = ["predict", str(tmp_path / "out"), str(data), "--out"]
    result = CliRunner().invoke(app, [*command, str(tmp_path / "said.csv")], catch_exceptions=False)
    assert result.exit_code == 0
    rows = list(csv.DictReader((tmp_path / "said.csv").open()))
    assert [row["row"] for row in rows] == ["0", "1"]
    for row in rows:
        shares = {label: float(row[f"probability {label}"]) for label in ("bad", "good")}
        assert row["prediction"] == max(shares, key=shares.__getitem__)
    with pytest.raises(InputError, match="is there already"):
        CliRunner().invoke(app, [*command, str(tmp_path / "said.csv")], catch_exceptions=False)
    holed = tmp_path / "holed.jsonl"
    holed.write_text('{"sentence": "fine"}\n{"sentence": null}\n')
    with pytest.raises(InputError, match=r"holed\.jsonl, row 1, column 'sentence': the value is null"):
        CliRunner().invoke(
            app, [*command[:2], str(holed), "--out", str(tmp_path / "other.jsonl")], catch_exceptions=False
        )
    assert not (tmp_path / "other.jsonl").exists(), "half a file says nothing"
    data.write_text("text\nfine\n")
    with pytest.raises(InputError, match="unknown column 'sentence'"):
        predict(tmp_path / "out", str(data))


def test_what_predict_needs_is_refused_in_a_sentence_where_it_is_not_there(trained: Sweep, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no panda_ray\.json"):
        predict(tmp_path, written(trained, tmp_path, "remark"))
    with pytest.raises(InputError, match="holds something else"):
        export_prompt(trained, None, tmp_path, "remark")
    with pytest.raises(InputError, match="unknown target 'remrak'; did you mean 'remark'"):
        export_prompt(trained, None, tmp_path / "out", "remrak")
    export_prompt(trained, None, tmp_path / "out", "remark")
    path = tmp_path / "out" / "panda_ray.json"
    said = json.loads(path.read_text())
    assert said["location"] is None
    assert not any(os.sep in str(value) for value in said.values()), "a path of this machine"
    path.write_text(json.dumps(said | {"identity": "local:" + "0" * 64}))
    with pytest.raises(InputError, match="was trained with the backbone 'builtin-tiny' of local:0000"):
        predict(tmp_path / "out", written(trained, tmp_path, "remark"))
