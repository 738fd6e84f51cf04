"""`panda-ray recommend --data`: sources for rows of a user's own, from prompts that come with the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from panda_ray.cli.app import app
from panda_ray.errors import InputError
from panda_ray.tasks.suite.rows import generator
from panda_ray.tasks.suite.sentiment import remark_row

SET = ("prompts=builtin", "storage=runs", "seeds=[11]", "sources=[kinds, review, rating]")


def recommend(*words: str) -> str:
    settings = [word for value in SET for word in ("--set", value)]
    result = CliRunner().invoke(app, ["recommend", *words, *settings], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_sources_are_ranked_for_a_file_without_a_sweep_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = generator("remark", remark_row, 100, 8)("train")
    named = [{"text": row["sentence"], "mood": ("bad", "good")[row["label"]]} for row in rows]
    Path("my.jsonl").write_text("".join(json.dumps(row) + "\n" for row in named))
    found = json.loads(recommend("--data", "my.jsonl", "--json"))
    assert found["task"] == "my"
    assert {each["source"] for each in found["sources"]} == {"kinds", "review", "rating"}
    similarities = [each["similarity"] for each in found["sources"]]
    assert similarities == sorted(similarities, reverse=True)
    assert len(set(similarities)) == 3
    assert found["untrained"] == []
    for words in ((), ("--data", "my.jsonl", "--task", "remark")):
        with pytest.raises(InputError, match="--task TASK, or --data FILE"):
            recommend(*words)
    Path("review.jsonl").write_text(Path("my.jsonl").read_text())
    assert json.loads(recommend("--data", "review.jsonl", "--json"))["task"] == "my_review"
