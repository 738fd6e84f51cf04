"""`panda-ray adapt`: a file of rows becomes a prompt that labels them, beside the sweep file that made it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import panda_ray as pr
from panda_ray.cli.app import app
from panda_ray.errors import InputError
from panda_ray.tasks.kinds.own.own_guess import Said
from panda_ray.tasks.suite.rows import generator
from panda_ray.tasks.suite.sentiment import remark_row
from panda_ray.usecases.exporting.predict import Predictor
from panda_ray.usecases.starting.adapt import PROMPT, sweep_of_folder
from panda_ray.usecases.starting.describe import describe


def adapt(*words: str) -> str:
    result = CliRunner().invoke(app, ["adapt", "my.jsonl", "--out", "out", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_best_prompt_of_the_sweep_in_the_folder_is_exported_and_an_edited_file_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = generator("remark", remark_row, 48, 8)("train")
    named = [{"text": row["sentence"], "mood": ("bad", "good")[row["label"]]} for row in rows]
    Path("my.jsonl").write_text("".join(json.dumps(row) + "\n" for row in named))
    file, sweep = sweep_of_folder(describe("my.jsonl", Said()), "builtin-tiny", Path("out"))
    assert [section.method for section in sweep.methods] == ["prompt_tuning", "pot", "panda"]
    written = file.read_text()
    edited = written.replace("[11, 12, 13]", "[11]").replace("epochs: 4", "epochs: 1").replace("top: 3", "top: 1")
    edited = "".join(line for line in edited.splitlines(keepends=True) if "method: panda" not in line)
    file.write_text(edited)
    said = adapt()
    assert file.read_text() == edited
    assert "2 of 2 cells done" in said
    assert "Best prompt: " in said
    found = list(Predictor(Path("out", PROMPT)).of_file("my.jsonl"))
    assert len(found) == 48
    assert {each.prediction for each in found} <= {"bad", "good"}
    best = json.loads(Path("out", PROMPT, "panda_ray.json").read_text())
    records = [json.loads(path.read_text()) for path in Path("out", "runs").glob("units/*/*/record.json")]
    assert best["score"] == max(record["score"] for record in records if record.get("target") == "my")
    assert "0 new results" in adapt()
    again = pr.adapt("my.jsonl", out="out")
    assert (again.file, again.ended.complete, len(again.ended.run.summary.new)) == (Path("out", "my.yaml"), True, 0)
    assert again.prompt.said.score == best["score"]
    answers = [each.prediction for each in found[:2]]
    assert list(again.prompt.predict([row["text"] for row in named[:2]])["prediction"]) == answers
    assert "--label mood (by its name)" in repr(again)
    assert "2 of 2 cells done" in again._repr_html_()
    ranked = pr.recommend(again.sweep, "my")
    assert (ranked.recommendation.task, len(ranked.frame)) == ("my", 9)
    Path("other.jsonl").write_text(Path("my.jsonl").read_text())
    with pytest.raises(InputError, match=r"out holds something else than other\.yaml"):
        sweep_of_folder(describe("other.jsonl", Said()), "builtin-tiny", Path("out"))
