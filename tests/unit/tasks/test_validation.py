"""Problems in rows are named with file, row and column before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from panda_ray.errors import InputError
from panda_ray.tasks import get_task
from panda_ray.tasks.rows.loading import load_rows, read_splits
from panda_ray.tasks.rows.validation import problems
from support.trained.task_data import rows_of, write_task


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


@pytest.mark.parametrize("label", [-0.01, 5.01, -1.0, 80.0])
def test_similarities_lie_between_0_and_5(tmp_path: Path, label: float) -> None:
    said = complaint(tmp_path, "stsb", {3: {"label": label}}, split="validation")
    hint = "; -1 marks rows without a published label, as in test sets" if label == -1 else ""
    where = f"{tmp_path}/stsb/validation.parquet, row 3, column 'label'"
    assert said == f"{where}: {label} is out of range (allowed: 0 to 5){hint}"


def test_both_ends_of_a_range_are_allowed(tmp_path: Path) -> None:
    spec = get_task("stsb")
    rows = [{**row, "label": label} for row, label in zip(rows_of(spec, 3), (0.0, 5.0, 2.2), strict=True)]
    assert [row["label"] for row in load_rows(spec, str(write_task(tmp_path, spec, rows, rows))).dev] == [0.0, 5.0, 2.2]


CONTEXT = "In Paris  the\u00a0Seine flows, and Paris is old."


def answered(*answers: tuple[Any, Any]) -> dict[str, Any]:
    texts, starts = zip(*answers, strict=True)
    return {"question": "which?", "context": CONTEXT, "answers": {"text": list(texts), "answer_start": list(starts)}}


def test_an_answer_that_is_not_at_its_offset(tmp_path: Path) -> None:
    said = complaint(tmp_path, "squad", {2: answered(("Paris", 3), ("Seine", 15))})
    assert said == (
        f"{tmp_path}/squad/train.parquet, row 2, column 'answers': answer 'Seine' is not at character 15 of the "
        "context, 'eine ' is; it first occurs at 14"
    )


@pytest.mark.parametrize(
    "answer",
    [
        ("Paris", 3),
        ("Paris", CONTEXT.rindex("Paris")),
        ("paris", 3),
        ("PARIS the seine", 3),
        (" Paris ", 2),
        ("Paris the", 3),
        ("Seine", 13),
    ],
)
def test_case_and_blanks_of_an_answer_may_differ(tmp_path: Path, answer: tuple[str, int]) -> None:
    spec = get_task("squad")
    rows = [{**row, **answered(answer)} for row in rows_of(spec, 2)]
    assert load_rows(spec, str(write_task(tmp_path, spec, rows, rows))).train[0]["answers"]["text"] == [answer[0]]


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (("Lyon", 3), "answer 'Lyon' is not at character 3 of the context, 'Pari' is; it occurs nowhere in it"),
        (("Paris", 4), "answer 'Paris' is not at character 4 of the context, 'aris ' is; it first occurs at 3"),
        (("Paris", -42), "answer 'Paris' at character -42 is outside the context"),
        (("  ", 8), "answer '  ' is no text"),
        ((5, 3), "answer 5 is no text"),
        (("Paris", 3.5), "answer 'Paris' starts at 3.5; a character's number is wanted"),
    ],
)
def test_an_answer_that_cannot_be_found(tmp_path: Path, answer: tuple[Any, Any], shown: str) -> None:
    spec = get_task("squad")
    rows = [{**row, **answered(answer)} for row in rows_of(spec, 2)]
    with pytest.raises(InputError, match=r"train\.parquet, row 0, column 'answers': ") as error:
        load_rows(spec, str(write_task(tmp_path, spec, rows, rows)))
    assert shown in str(error.value)


def test_answers_as_a_list_of_structs_are_the_same_rows(tmp_path: Path) -> None:
    spec, rows = get_task("squad"), rows_of(get_task("squad"), 9)
    plain = load_rows(spec, str(write_task(tmp_path / "lists", spec, rows, rows)))

    def listed(row: dict[str, Any]) -> dict[str, Any]:
        places = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
        return {**row, "answers": [{"answer_start": start, "text": text, "id": 7} for text, start in places]}

    listed_rows = [listed(row) for row in rows]
    assert load_rows(spec, str(write_task(tmp_path / "structs", spec, listed_rows, rows))) == replace(
        plain, train_where=str(tmp_path / "structs/squad/train.parquet"), dev_where=ANY
    )


def test_answers_of_another_form(tmp_path: Path) -> None:
    spec, rows = get_task("squad"), rows_of(get_task("squad"), 3)
    for answers, shown in (
        (["Paris"], "['Paris'] is of type list; text and answer_start are wanted"),
        ("Paris", "'Paris' is of type str; text and answer_start are wanted"),
        ({"text": "Paris", "answer_start": 3}, "'Paris' at 3: two lists are wanted, of texts and of their starts"),
        ({"text": ["Paris"]}, "an answer is null; an unanswerable question has empty lists"),
    ):
        changed = [{**row, "answers": answers} for row in rows]
        with pytest.raises(InputError) as error:
            load_rows(spec, str(write_task(tmp_path, spec, changed, rows)))
        assert str(error.value) == f"{tmp_path}/squad/train.parquet, row 0, column 'answers': {shown}"


def test_a_query_without_a_place_for_its_answer(tmp_path: Path) -> None:
    said = complaint(tmp_path, "record", {4: {"query": "Who was it?"}})
    assert said.endswith("row 4, column 'query': 'Who was it?' has no @placeholder to put an entity into")


def test_no_answer_among_the_entities(tmp_path: Path) -> None:
    said = complaint(tmp_path, "record", {4: {"entities": ["Ann", "Bob"], "answers": ["ann", "Cy"]}})
    assert said.endswith(
        "row 4, column 'answers': none of the answers ['ann', 'Cy'] is among the candidates ['Ann', 'Bob']"
    )
    spec, rows = get_task("record"), rows_of(get_task("record"), 3)
    some = [{**row, "entities": ["Ann", "Bob"], "answers": ["Cy", "Bob"]} for row in rows]
    assert load_rows(spec, str(write_task(tmp_path, spec, some, rows))).train == some


def test_one_text_where_a_list_is_wanted_and_the_other_way_round(tmp_path: Path) -> None:
    spec, rows = get_task("conll05"), rows_of(get_task("conll05"), 3)
    for column, value, shown in (
        ("tokens", "a b c", "column 'tokens': 'a b c' is one text; a list of words is wanted"),
        ("tokens", [1, 2], "column 'tokens': in its list, 1 is of type int; text is wanted"),
        ("srl_tags", 0, "column 'srl_tags': 0 is no list; every word needs a tag"),
    ):
        changed = [{**row, column: value} for row in rows]
        with pytest.raises(InputError) as error:
            load_rows(spec, str(write_task(tmp_path, spec, changed, rows)))
        assert str(error.value) == f"{tmp_path}/conll05/train.parquet, row 0, {shown}"


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
