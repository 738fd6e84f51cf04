"""Cells with a list of sources, from the sweep file to the report, beside those with one."""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from support.processes.command_line import run_here

SWEEP = """\
name: fused
storage: store
backbones: [builtin-tiny]
sources: [review, [review, rating], [rating, kinds]]
targets: [remark, choice]
methods: [prompt_tuning, pot, panda_fusion, {method: panda_fusion, label: late, options: {fusion: late}}]
metrics: [task_embedding]
seeds: [1, 2]
training: {epochs: 1}
tasks:
  review: {max_train_rows: 32, max_dev_rows: 16}
  rating: {max_train_rows: 32, max_dev_rows: 16}
  kinds: {max_train_rows: 32, max_dev_rows: 16}
  remark: {max_train_rows: 32, max_dev_rows: 16}
  choice: {max_train_rows: 16, max_dev_rows: 16}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fused")
    (folder / "x.yaml").write_text(SWEEP)
    ended = run_here(folder, "run", "x.yaml", "--runner", "inline")
    assert ended.code == 0, ended.err
    assert "24 of 24 cells done" in ended.out
    return folder


@pytest.mark.slow
class TestSeveralSources:
    def test_every_list_has_a_cell_per_target_and_seed_of_the_methods_that_take_lists(self, folder: Path) -> None:
        with (folder / "store" / "reports" / "fused" / "scores.csv").open() as file:
            found = Counter((row["method"], row["sources"]) for row in csv.DictReader(file))
        assert found == {
            ("prompt_tuning", ""): 4,
            ("pot", "review"): 4,
            ("panda_fusion", "review+rating"): 4,
            ("panda_fusion", "rating+kinds"): 4,
            ("late", "review+rating"): 4,
            ("late", "rating+kinds"): 4,
        }

    def test_the_table_has_a_row_for_each_list_and_no_oracle_among_them(self, folder: Path) -> None:
        table = (folder / "store" / "reports" / "fused" / "table_builtin-tiny.md").read_text()
        rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ")]
        named = [(method.strip(), source.strip()) for method, source in rows]
        assert named.count(("panda_fusion", "review+rating")) == named.count(("late", "rating+kinds")) == 1
        assert not [source for method, source in named if method in ("panda_fusion", "late") and "+" not in source]
        assert "a+b: one training from several sources" in table

    def test_mlflow_knows_the_list_under_a_name_of_its_own(self, folder: Path) -> None:
        with closing(sqlite3.connect(folder / "store" / "mlflow.db")) as database:
            values = database.execute("SELECT value FROM tags WHERE key = 'sources'").fetchall()
            taken = database.execute("SELECT count(*) FROM tags WHERE key = 'source'").fetchone()
        assert Counter(value for (value,) in values)["review+rating"] == 8
        assert taken == (0,)

    def test_a_list_that_grows_trains_only_what_is_new(self, folder: Path) -> None:
        more = "sources=[review, [review, rating], [rating, kinds], [review, rating, kinds]]"
        ended = run_here(folder, "run", "x.yaml", "--runner", "inline", "--set", more)
        assert ended.code == 0, ended.err
        # Teachers of review, rating and kinds, prompts and similarities are there: eight cells are all that is new.
        assert "32 of 32 cells done, 8 new results" in ended.out
