"""`panda-ray adapt`: a file of rows becomes a prompt that labels them, beside the sweep file that made it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import panda_ray as pr
from panda_ray.cli.app import app
from panda_ray.cli.wording.adapted_words import describe_held_out
from panda_ray.errors import InputError
from panda_ray.tasks.kinds.own.own_guess import Said
from panda_ray.tasks.suite.rows import generator
from panda_ray.tasks.suite.sentiment import remark_row
from panda_ray.usecases.exporting.held_out import HeldOut, of_predictions
from panda_ray.usecases.exporting.predict import Predictor
from panda_ray.usecases.starting.adapt import PROMPT, sweep_of_folder
from panda_ray.usecases.starting.describe import describe


def adapt(*words: str) -> str:
    result = CliRunner().invoke(app, ["adapt", "my.jsonl", "--out", "out", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def scored_rows(key: str) -> int:
    (predictions,) = Path("out", "runs", "units", key[:2], key).glob("predictions*.parquet")
    return int(pq.read_metadata(predictions).num_rows)


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
    assert "builtin-tiny knows an invented language only" in said
    assert f"{Path('out', 'my.yaml')} says so" in said
    found = list(Predictor(Path("out", PROMPT)).of_file("my.jsonl"))
    assert len(found) == 48
    assert {each.prediction for each in found} <= {"bad", "good"}
    best = json.loads(Path("out", PROMPT, "panda_ray.json").read_text())
    records = [json.loads(path.read_text()) for path in Path("out", "runs").glob("units/*/*/record.json")]
    assert best["score"] == max(record["score"] for record in records if record.get("target") == "my")
    assert f"on {scored_rows(best['key'])} rows that were not trained on, 95 % interval [" in said
    assert "0 new results" in adapt()
    again = pr.adapt("my.jsonl", out="out")
    assert (again.file, again.ended.complete, len(again.ended.run.summary.new)) == (Path("out", "my.yaml"), True, 0)
    assert again.prompt.said.score == best["score"]
    answers = [each.prediction for each in found[:2]]
    assert list(again.prompt.predict([row["text"] for row in named[:2]])["prediction"]) == answers
    assert "--label mood (by its name)" in repr(again)
    assert "2 of 2 cells done" in again._repr_html_()
    assert again.found[0] in said
    assert again._repr_html_().startswith(f"<p>{again.found[0]}</p>")
    ranked = pr.recommend(again.sweep, "my")
    assert (ranked.recommendation.task, len(ranked.frame)) == ("my", 9)
    Path("other.jsonl").write_text(Path("my.jsonl").read_text())
    with pytest.raises(InputError, match=r"out holds something else than other\.yaml"):
        sweep_of_folder(describe("other.jsonl", Said()), "builtin-tiny", Path("out"))


def test_an_interval_that_holds_the_score_of_one_answer_says_that_nothing_may_be_learnt() -> None:
    record = {"method": "pot", "sources": ["kinds"], "seed": 11, "measure": "accuracy", "score": 62.04}
    found = HeldOut(record, 50.04, 73.96, 1060, 50.0, has_chosen=True)
    best, one, chosen = describe_held_out(found)
    assert best == (
        "Best prompt: pot from kinds (seed 11), accuracy 62.0 on 1,060 rows that were not trained on, 95 % interval "
        "[50.0, 74.0]"
    )
    assert one == "The commonest label for every row scores 50.0, which lies below the interval"
    assert "epoch, method, source and seed" in chosen
    _, one, chosen = describe_held_out(replace(found, one_answer=50.1, has_chosen=False))
    assert one.endswith("perhaps nothing was learnt; try more rows or another backbone")
    assert "chose method, source and seed" in chosen
    assert len(describe_held_out(replace(found, one_answer=None))) == 2


@pytest.mark.parametrize("protocol", ["paper", "honest"])
def test_the_interval_is_of_the_rows_that_count_and_one_answer_is_the_commonest(
    protocol: str,
) -> None:
    """Of 40 rows 30 are right in the best epoch; of the ten that chose no epoch two are, in the other one."""
    numbers = range(40)
    table = pa.table(
        {
            "item": list(numbers),
            "select": [n >= 10 for n in numbers],
            "reference": [str(int(n % 4 == 0)) for n in numbers],
            "stat_0": [float(n >= 10) for n in numbers],
            "honest_0": [float(n < 2) for n in numbers],
        }
    )
    pq.write_table(table, file := io.BytesIO())
    record = {"measure": "accuracy", "protocol": protocol}
    found = of_predictions(record, file.getvalue(), has_classes=True)
    assert found.has_chosen == (protocol == "paper")
    assert found.items == (40 if protocol == "paper" else 10)
    score, spread = (0.75, (0.75 * 0.25 / 40) ** 0.5) if protocol == "paper" else (0.2, (0.2 * 0.8 / 10) ** 0.5)
    wide = 100 * 1.96 * spread
    assert found.low == pytest.approx(max(0, 100 * score - wide), abs=6)
    assert found.high == pytest.approx(100 * score + wide, abs=6)
    assert found.one_answer == pytest.approx(75 if protocol == "paper" else 70)
    assert of_predictions(record, file.getvalue(), has_classes=False).one_answer is None


def test_thirty_right_answers_of_thirty_do_not_say_that_all_others_are(tmp_path: Path) -> None:
    numbers = range(30)
    right = {"select": [False] * 30, "reference": [str(n % 2) for n in numbers], "stat_0": [1.0] * 30}
    pq.write_table(pa.table(right), tmp_path / "right.parquet")
    record = {"measure": "accuracy", "protocol": "paper"}
    found = of_predictions(record, (tmp_path / "right.parquet").read_bytes(), has_classes=True)
    assert (found.low, found.high) == (pytest.approx(100 * 30 / (30 + 1.96**2), abs=0.01), 100)
