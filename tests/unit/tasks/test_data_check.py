"""The report of `panda-ray data check` on one task."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.tasks import get_task
from panda_ray.tasks.check import check_task
from panda_ray.tasks.rows.loading import MissingData, load_rows
from support.trained.task_data import rows_of, wordpiece_tokenizer, write_task


def test_rows_labels_lengths_and_fingerprint(tmp_path: Path) -> None:
    spec, tokenizer = get_task("cb"), wordpiece_tokenizer()
    rows = rows_of(spec, 12)
    root = str(write_task(tmp_path, spec, rows, rows[:6]))
    whole = tokenizer([row["premise"] for row in rows], [row["hypothesis"] for row in rows])["input_ids"]
    tokens = sorted(len(ids) for ids in whole)
    report = check_task(spec, root, tokenizer, tokens[8])
    assert report.problems == ()
    assert report.fingerprint == load_rows(spec, root).fingerprint
    assert report.train is not None
    assert report.dev is not None
    assert (report.train.rows, report.dev.rows) == (12, 6)
    assert report.train.labels == {"contradiction": 4, "entailment": 4, "neutral": 4}
    lengths = report.train.lengths
    assert (lengths.max, lengths.mean) == (tokens[-1], pytest.approx(sum(tokens) / 12))
    assert lengths.median == (tokens[5] + tokens[6]) / 2
    assert lengths.truncated == pytest.approx(sum(count > tokens[8] for count in tokens) / 12)
    assert 0 < lengths.truncated < 1


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        ("stsb", {"0": 3, "1": 1, "2": 3, "3": 1, "4": 3, "5": 1}),
        ("copa", {"choice1": 6, "choice2": 6}),
        ("conll03", {"B-PER": 18, "I-PER": 24, "O": 54}),
        ("squad", {"answerable": 8, "unanswerable": 4}),
        ("record", {"1 answers": 12}),
    ],
)
def test_labels_of_every_kind(task: str, labels: dict[str, int], tmp_path: Path) -> None:
    spec = get_task(task)
    rows = rows_of(spec, 12)
    report = check_task(spec, str(write_task(tmp_path, spec, rows, rows)), wordpiece_tokenizer(), 128)
    assert report.train is not None
    assert report.train.labels == labels


def test_every_problem_is_listed(tmp_path: Path) -> None:
    spec = get_task("cb")
    train = [{**row, "label": -1 if number in (2, 5) else row["label"]} for number, row in enumerate(rows_of(spec, 8))]
    report = check_task(spec, str(write_task(tmp_path, spec, train, [])), wordpiece_tokenizer(), 128)
    assert [said.split(":")[0].removeprefix(f"{tmp_path}/cb/") for said in report.problems] == [
        "train.parquet, row 2, column 'label'",
        "train.parquet, row 5, column 'label'",
        "validation.parquet",
    ]
    assert (report.train, report.dev, report.fingerprint) == (None, None, None)


def test_a_broken_file_is_a_problem_and_an_absent_one_is_missing(tmp_path: Path) -> None:
    spec = get_task("cb")
    rows = [{"premise": "a", "label": 0}]
    report = check_task(spec, str(write_task(tmp_path, spec, rows, rows)), wordpiece_tokenizer(), 128)
    assert "column 'hypothesis' is missing" in report.problems[0]
    with pytest.raises(MissingData):
        check_task(get_task("rte"), str(tmp_path), wordpiece_tokenizer(), 128)
