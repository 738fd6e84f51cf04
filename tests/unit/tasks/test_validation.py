"""Problems in rows are named with file, row and column before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.tasks import get_task
from panda_ray.tasks.loading import load_rows, read_splits
from panda_ray.tasks.validation import problems
from support.task_data import rows_of, write_task


def complaint(tmp_path: Path, task: str, changes: dict[int, dict[str, Any]], split: str = "train") -> str:
    """What `load_rows` says about made-up rows of a task after some of their values changed."""
    spec = get_task(task)
    sound = rows_of(spec, 12)
    broken = [{**row, **changes.get(number, {})} for number, row in enumerate(sound)]
    splits = (broken, sound) if split == "train" else (sound, broken)
    with pytest.raises(InputError) as error:
        load_rows(spec, str(write_task(tmp_path, spec, *splits)))
    return str(error.value)


def test_null_text(tmp_path: Path) -> None:
    said = complaint(tmp_path, "cb", {7: {"hypothesis": None}}, split="validation")
    assert said == f"{tmp_path}/cb/validation.parquet, row 7, column 'hypothesis': the value is null; " + (
        "remove the row or fill it in"
    )


def test_null_word(tmp_path: Path) -> None:
    said = complaint(tmp_path, "conll03", {2: {"tokens": ["a", None, *"bcdefg"[:6]]}})
    assert "row 2, column 'tokens': the value is null" in said


@pytest.mark.parametrize("label", [-1, 3])
def test_label_out_of_range(tmp_path: Path, label: int) -> None:
    said = complaint(tmp_path, "cb", {4: {"label": label}})
    assert f"row 4, column 'label': label {label} is out of range" in said
    assert "(allowed: 0 (entailment), 1 (contradiction), 2 (neutral))" in said
    assert ("test sets" in said) == (label == -1)


def test_label_name_that_nobody_knows(tmp_path: Path) -> None:
    spec = get_task("rte")
    rows = [
        {**row, "label": name} for row, name in zip(rows_of(spec, 3), ["entailment", "entailmnt", "x"], strict=True)
    ]
    with pytest.raises(InputError, match="row 1, column 'label': unknown label 'entailmnt'; did you mean 'entailment'"):
        load_rows(spec, str(write_task(tmp_path, spec, rows, rows)))


def test_tag_out_of_range_and_unequal_lengths(tmp_path: Path) -> None:
    assert "column 'ner_tags': label 9 is out of range" in complaint(tmp_path, "conll03", {0: {"ner_tags": [9] * 8}})
    assert "row 1, column 'ner_tags': 7 tags for 8 words" in complaint(tmp_path, "conll03", {1: {"ner_tags": [0] * 7}})
    assert "the row has no words" in complaint(tmp_path, "conll03", {1: {"tokens": [], "ner_tags": []}})


def test_missing_column(tmp_path: Path) -> None:
    spec = get_task("mrpc")
    rows = [{"sentence1": row["sentence1"], "label": row["label"], "text": "x"} for row in rows_of(spec, 4)]
    root = write_task(tmp_path, spec, rows, rows)
    with pytest.raises(InputError) as error:
        load_rows(spec, str(root))
    assert str(error.value) == (
        f"{tmp_path}/mrpc/train.parquet: column 'sentence2' is missing; task 'mrpc' needs sentence1, sentence2, label "
        "(the file has sentence1, label, text)"
    )


def test_empty_split(tmp_path: Path) -> None:
    spec = get_task("cola")
    with pytest.raises(InputError, match=r"cola/validation\.parquet: the split is empty"):
        load_rows(spec, str(write_task(tmp_path, spec, rows_of(spec, 4), [])))


@pytest.mark.parametrize(
    ("task", "column", "value", "only"),
    [("cb", "label", 2, "'neutral'"), ("stsb", "label", 2.5, "2.5"), ("conll03", "ner_tags", [0] * 8, "'O'")],
)
def test_one_class_only(tmp_path: Path, task: str, column: str, value: Any, only: str) -> None:
    said = complaint(tmp_path, task, {number: {column: value} for number in range(12)})
    assert said == f"{tmp_path}/{task}/train.parquet, column '{column}': every label is {only}; at least two are needed"


def test_regression_labels_are_finite(tmp_path: Path) -> None:
    assert "row 3, column 'label': nan is not a finite number" in complaint(
        tmp_path, "stsb", {3: {"label": float("nan")}}
    )


def test_answers_lie_in_their_context(tmp_path: Path) -> None:
    outside = {"text": ["longer"], "answer_start": [4]}
    said = complaint(tmp_path, "squad", {1: {"context": "too short", "answers": outside}})
    assert "row 1, column 'answers': answer 'longer' at character 4 is outside the context of 9 characters" in said
    for null in ({"text": [None], "answer_start": [0]}, {"text": None, "answer_start": []}):
        assert "an answer is null" in complaint(tmp_path, "squad", {1: {"answers": null}})
    unequal = {"text": ["a", "b"], "answer_start": [0]}
    assert "2 answer texts but 1 answer starts" in complaint(tmp_path, "squad", {1: {"answers": unequal}})


def test_queries_have_candidates_and_answers(tmp_path: Path) -> None:
    assert "row 5, column 'answers': the row has no answer" in complaint(tmp_path, "record", {5: {"answers": []}})
    assert "the row has no candidates" in complaint(tmp_path, "record", {5: {"entities": []}})


def test_row_numbers_are_those_of_the_file_under_a_row_limit(tmp_path: Path) -> None:
    spec = get_task("cb")
    rows = [{**row, "label": -1} for row in rows_of(spec, 40)]
    root = str(write_task(tmp_path, spec, rows, rows))
    train, _ = read_splits(spec, root, 5, 5)
    assert [f"row {number}," in said for number, said in zip(train.numbers, problems(spec, train), strict=True)] == [
        True
    ] * 5
    assert max(train.numbers) > 5


def test_copa_asks_for_cause_or_effect(tmp_path: Path) -> None:
    said = complaint(tmp_path, "copa", {2: {"question": "why"}})
    assert "row 2, column 'question': 'why' is neither 'cause' nor 'effect'" in said
