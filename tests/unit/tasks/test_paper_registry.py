"""The registered tasks against the paper's Table I as the package ships it."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.tasks import PAPER_SOURCES, PAPER_TARGETS, PAPER_TASKS, get_task
from panda_ray.tasks.task import HubOrigin


def paper_table(name: str) -> list[dict[str, str]]:
    text = files("panda_ray.reports").joinpath("paper", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


TABLE_1 = paper_table("table1_datasets.csv")

# Table I says "f1" for five different definitions of it.
F1_MEASURES = {
    "classification": "f1",
    "tagging": "span_f1",
    "extractive_qa": "squad_f1",
    "candidate_ranking": "record_f1",
}
KIND_OF_TYPE = {
    "natural language inference": {"classification"},
    "word sense disambiguation": {"classification"},
    "grammatical acceptability": {"classification"},
    "sentiment analysis": {"classification"},
    "paraphrase detection": {"classification"},
    "semantic similarity": {"regression"},
    "question answering": {"classification", "multiple_choice", "extractive_qa", "candidate_ranking"},
    "named entity recognition": {"tagging"},
    "semantic role labeling": {"tagging"},
}


def test_order_and_names_are_those_of_table_1() -> None:
    assert [task.name for task in PAPER_TASKS] == [row["task"] for row in TABLE_1]
    assert list(PAPER_SOURCES) == [row["task"] for row in TABLE_1 if row["is_source"] == "yes"]
    assert set(PAPER_TARGETS) == {row["task"] for row in TABLE_1 if row["is_target"] == "yes"}
    assert (len(PAPER_SOURCES), len(PAPER_TARGETS)) == (21, 9)


@pytest.mark.parametrize("row", TABLE_1, ids=lambda row: row["task"])
def test_task_is_the_row_of_table_1(row: dict[str, str]) -> None:
    task = get_task(row["task"])
    hyperparameters = task.hyperparameters
    assert hyperparameters.lr == float(row["lr"])
    assert hyperparameters.batch_size == int(row["batch_size"])
    assert hyperparameters.epochs == int(row["epochs"])
    assert task.train_rows == int(row["train_size"])
    assert task.size_class == row["size_class"]
    assert task.is_target == (row["is_target"] == "yes")
    assert task.kind.name in KIND_OF_TYPE[row["task_type"]]
    assert task.measure == (F1_MEASURES[task.kind.name] if row["metric"] == "f1" else row["metric"])


@pytest.mark.parametrize("row", paper_table("task_groups.csv"), ids=lambda row: row["task"])
def test_group_is_that_of_the_heat_maps(row: dict[str, str]) -> None:
    assert get_task(row["task"]).group == row["group"]


def test_targets_are_in_the_order_of_table_2() -> None:
    columns = dict.fromkeys(row["target"] for row in paper_table("table2_bert_large.csv"))
    assert list(PAPER_TARGETS) == list(columns)


def test_unknown_task_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="unknown task 'rtee'; did you mean 'rte'"):
        get_task("rtee")


def test_docs_name_every_repository_revision_and_column() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    for task in PAPER_TASKS:
        assert task.name in docs
        for column in task.columns:
            assert column in docs
        if isinstance(task.origin, HubOrigin):
            assert f"`{task.origin.repository}`" in docs
            assert f"`{task.origin.revision}`" in docs
