"""Files of every kind of task, from what is inferred of them to predictions of an exported prompt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE
from panda_ray.sweep import Sweep
from panda_ray.sweep.named_tasks import task_of
from panda_ray.tasks import get_task
from panda_ray.tasks.kinds.own.own_guess import Said
from panda_ray.tasks.rows.loading import load_rows
from panda_ray.tasks.rows.own.own_rows import read_own
from panda_ray.tasks.task import BuiltinOrigin
from panda_ray.usecases.exporting.export import export_prompt
from panda_ray.usecases.exporting.predict import Predictor
from panda_ray.usecases.starting.describe import describe
from panda_ray.usecases.starting.init import with_own_task
from support.sweeps.small_sweeps import one_per_kind, run_inline

ROWS = 30


def rows_of(task: str) -> list[dict[str, Any]]:
    origin = get_task(task).origin
    assert isinstance(origin, BuiltinOrigin)
    return origin.generate("train")[:ROWS]


def as_json_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path = path.with_suffix(".jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def classes(path: Path) -> Path:
    return as_json_lines(path, [{"text": row["sentence"], "mood": f"m{row['label']}"} for row in rows_of("remark")])


def numbers(path: Path) -> Path:
    return as_json_lines(path, [{"text": row["sentence"], "score": row["label"] + 0.5} for row in rows_of("rating")])


def choices(path: Path) -> Path:
    return as_json_lines(path, [{**row, "label": ("choice1", "choice2")[row["label"]]} for row in rows_of("choice")])


def tags(path: Path) -> Path:
    names = get_task("bulletin").labels
    sentences = [
        "".join(f"{word} {names[tag]}\n" for word, tag in zip(row["tokens"], row["tags"], strict=True))
        for row in rows_of("bulletin")
    ]
    path = path.with_suffix(".conll")
    path.write_text("\n".join(sentences))
    return path


def answers(path: Path) -> Path:
    rows = [
        {"question": row["question"], "context": row["context"], "answer": "".join(row["answers"]["text"][:1])}
        for row in rows_of("lookup")
    ]
    path = path.with_suffix(".parquet")
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("write", [classes, numbers, choices, tags, answers])
def test_a_file_is_inferred_trained_on_exported_and_read_again(write: Callable[[Path], Path], tmp_path: Path) -> None:
    found = describe(str(write(tmp_path / "mine")), Said())
    sweep = one_per_kind(tmp_path / "runs").model_copy(update={"targets": ["mine"]})
    sweep = Sweep.model_validate(with_own_task(sweep, found).model_dump())
    plan = run_inline(sweep)
    [cell] = plan.cells
    export_prompt(sweep, cell.key, tmp_path / "out")
    spec = task_of("mine", sweep.tasks)
    content = pa.BufferReader(Store(sweep.storage).read_file(cell.key, PREDICTIONS_FILE))
    recorded = [spec.kind.named(spec, json.loads(value)) for value in pq.read_table(content)["prediction"].to_pylist()]
    predicted = [each.prediction for each in Predictor(tmp_path / "out").of_file(found.data)]
    assert len(predicted) == ROWS
    number_of = {repr(spec.kind.texts(spec, row)): number for number, row in enumerate(read_own(spec, found.data).rows)}
    again = [predicted[number_of[repr(spec.kind.texts(spec, row))]] for row in load_rows(spec).dev]
    assert len(again) == len(recorded) > 0
    assert again == (pytest.approx(recorded, abs=1e-4) if isinstance(recorded[0], float) else recorded)
