"""`panda-ray init`: what is inferred of a user's file, what is said of it, and the sweep file that follows."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from panda_ray.backbones.registry import local_folder
from panda_ray.cli.app import app
from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks.kinds.own import own_texts
from panda_ray.tasks.kinds.own.own_guess import Guess, Said, guess
from panda_ray.usecases.shared_prompts.taking import plan_with_taken
from panda_ray.usecases.starting import describe as describing
from panda_ray.usecases.starting import init


def table(rows: int = 30, **columns: Any) -> dict[str, list[Any]]:
    """Columns by what makes each cell of a row's number."""
    return {name: [make(number) for number in range(rows)] for name, make in columns.items()}


def asked(columns: dict[str, list[Any]], **said: Any) -> tuple[Any, ...]:
    found: Guess = guess(columns, Said(**said))
    return found.kind, found.text, found.pair, found.choices, found.label


def words(number: int) -> str:
    return f"the day number {number} is fine"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            table(id=str, title=words, body=words, stars=lambda n: str(n % 5)),
            ("classification", ("title", "body"), (), (), "stars"),
        ),
        (table(text=words, quality=lambda n: str(n % 2)), ("classification", ("text",), (), (), "quality")),
        (table(text=words, score=lambda n: f"{n / 7:.2f}"), ("regression", ("text",), (), (), "score")),
        (
            table(premise=words, hypothesis=words, label=lambda n: "yes" if n % 2 else "no"),
            ("classification", ("premise",), ("hypothesis",), (), "label"),
        ),
        (
            table(question=words, sentence=words, label=lambda n: str(n % 2)),
            ("classification", ("question",), ("sentence",), (), "label"),
        ),
        (
            table(tokens=lambda _: ["Ann", "waits"], tags=lambda _: ["B-PER", "O"]),
            ("tagging", ("tokens",), (), (), "tags"),
        ),
        (
            table(why=words, choice1=words, choice2=words, label=lambda n: str(n % 2)),
            ("multiple_choice", ("why",), (), ("choice1", "choice2"), "label"),
        ),
        (
            table(question=words, context=lambda _: "it was Ann", answer=lambda _: "Ann"),
            ("extractive_qa", ("question",), ("context",), (), "answer"),
        ),
    ],
)
def test_kind_and_columns_are_inferred_from_names_and_cells(columns: Any, expected: tuple[Any, ...]) -> None:
    assert asked(columns) == expected


WIDE = {
    **{f"q{n}": (lambda row, n=n: f"answer {(row + n) % 5}") for n in range(190)},
    "id": lambda row: f"c{row:03d}",
    "joined": lambda row: f"{row % 28 + 1:02d} March 2024",
    "amount": lambda row: f"{row / 4:.2f}",
    "country": lambda row: ["Peru", "Mali", "Oman"][row % 3],
    "survey": lambda _: "the survey of spring",
    "blank": lambda _: "",
    "title": lambda row: f"matter {row} {'again ' * (row % 3)}",
    "story": lambda row: f"{words(row)} and so it went on",
    "remark": words,
    "wish": lambda row: f"please {words(row)} for once",
    "verdict": lambda row: "good" if row % 2 else "bad",
    "verdict_de": lambda row: "sehr gut" if row % 2 else "schlecht",
    "note": lambda row: f"filed as {'GOOD' if row % 2 else 'bad'} on day {row} by the clerk, who was asked twice",
}


def test_of_a_wide_file_the_longest_texts_are_read_and_of_each_other_sort_of_column_it_is_said_why_not() -> None:
    columns = table(60, **WIDE)
    found = guess(columns, Said(label="verdict"))
    assert found.text == ("story", "remark", "wish")
    by_reason = {reason: set(names) for reason, names in found.left_out.items()}
    assert by_reason == {
        "few different values": {f"q{n}" for n in range(190)},
        "identifiers": {"id"},
        "numbers or dates": {"joined", "amount"},
        "single words": {"country"},
        "the same in every row": {"survey"},
        "empty": {"blank"},
        "shorter than the 3 longest texts": {"title"},
        "tells the label": {"verdict_de", "note"},
    }
    said = own_texts.in_words(found.left_out)
    assert "q0, q1, q2 and 187 more (few different values); id (identifiers)" in said
    assert "--text COLUMN, once for each, names those to read" in said
    assert guess(columns, Said(label="verdict", text=("q7", "id"))).text == ("q7", "id")


@pytest.mark.parametrize(
    ("names", "read", "why"),
    [
        (("id", "country", "q3", "amount"), ("q3",), "few different values"),
        (("id", "country", "amount"), ("country",), "single words"),
        (("id", "amount", "joined"), ("id",), "identifiers"),
        (("note", "amount", "blank"), ("note",), "it tells the label, so that no score on such rows says anything"),
    ],
)
def test_without_longer_texts_the_next_best_columns_are_read_and_it_is_said_what_they_are(
    names: tuple[str, ...], read: tuple[str, ...], why: str
) -> None:
    columns = table(60, **{name: WIDE[name] for name in (*names, "verdict")})
    found = guess(columns, Said(label="verdict"))
    assert found.text == read
    assert why in found.why["text"]


def test_what_is_said_counts_more_than_what_is_inferred() -> None:
    columns = table(title=words, body=words, stars=lambda n: str(n % 5), mood=lambda n: "ab"[n % 2])
    assert asked(columns) == ("classification", ("title", "body"), (), (), "mood")
    said = asked(columns, kind="regression", label="stars", text=("body",), pair=("title",))
    assert said == ("regression", ("body",), ("title",), (), "stars")
    with pytest.raises(InputError, match="unknown column 'star'; did you mean 'stars'"):
        asked(columns, label="star")
    with pytest.raises(InputError, match="no column looks like a label"):
        asked(table(text=words, body=words))
    with pytest.raises(InputError, match="no column looks like a text"):
        asked(table(n=str, label=lambda n: str(n % 2)))


def planned(file: str) -> Plan:
    sweep = load_sweep(file)
    return plan_with_taken(sweep, Store(sweep.storage), read_catalog(sweep))


def test_the_written_sweep_trains_no_source_and_says_what_was_inferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Path("remark.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "mood"])
        writer.writerows([words(number), "ab"[number % 2]] for number in range(40))
    result = CliRunner().invoke(app, ["init", "remark.csv"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "40 rows: classification (the label has 2 different values)" in result.output
    assert "--label mood (by its name)" in result.output
    written = Path("my_remark.yaml").read_text()
    assert 'label: "mood"  # by its name' in written
    plan = planned("my_remark.yaml")
    sources = [key for key, unit in plan.units.items() if unit.product == "prompt" and unit.task != "my_remark"]
    assert len(sources) == 27
    assert set(sources) <= plan.done
    assert plan.sweep.tasks["my_remark"].text == ["text"]
    with pytest.raises(InputError, match=r"my_remark\.yaml is there already"):
        CliRunner().invoke(app, ["init", "remark.csv"], catch_exceptions=False)
    assert Path("my_remark.yaml").read_text() == written
    with pytest.raises(InputError, match="unknown kind 'clasification'; did you mean 'classification'"):
        CliRunner().invoke(app, ["init", "remark.csv", "--kind", "clasification"], catch_exceptions=False)
    with pytest.raises(InputError, match="unknown backbone 'bert-bose'; did you mean 'bert-base'"):
        CliRunner().invoke(app, ["init", "remark.csv", "--backbone", "bert-bose"], catch_exceptions=False)


def test_a_folder_of_a_model_is_a_backbone_and_one_without_a_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.csv").write_text("\n".join(["text,label", *(f"{words(n)},{'ab'[n % 2]}" for n in range(30))]))
    packaged = local_folder("builtin-tiny", None)
    assert packaged is not None
    shutil.copytree(packaged, "my model")
    found = describing.describe("my.csv", Said())
    Path("my.yaml").write_text(init.sweep_text(found, "my model"))
    sweep = load_sweep("my.yaml")
    assert [(each.name, each.path) for each in sweep.backbones] == [("my_model", str(tmp_path / "my model"))]
    assert sweep.single_sources == ["mnli", "qnli", "sst2", "squad"]
    assert sweep.prompts is None, "those that come along are of another backbone"
    Path("empty").mkdir()
    with pytest.raises(InputError, match=r"is not a model folder; it must hold config\.json"):
        init.sweep_text(found, "empty")


def test_of_many_rows_a_sample_is_looked_at_and_its_size_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files, the second one longer than the sample; what alternates is not taken for one value."""
    for name, first, rows in (("a", 0, 1_000), ("b", 1_000, 30_000)):
        lines = [f"{words(number)},{'ab'[number % 2]}" for number in range(first, first + rows)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    seen: list[int] = []
    monkeypatch.setattr(describing, "guess", lambda rows, said: seen.append(len(rows["text"])) or guess(rows, said))
    found = describing.describe(str(tmp_path), Said())
    assert (found.rows, found.looked_at, seen) == (31_000, 20_000, [20_000])
    assert found.size == "31,000 rows, of which 20,000 were looked at"
    assert (found.guess.kind, found.guess.why["kind"]) == ("classification", "the label has 2 different values")


def test_splits_of_a_folder_stay_apart_and_files_of_no_split_are_one_set(tmp_path: Path) -> None:
    def write(place: str, rows: int) -> None:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{words(number)},{'ab'[number % 2]}" for number in range(rows)]
        (tmp_path / place).write_text("\n".join(["text,label", *lines]) + "\n")

    def found(folder: str) -> tuple[int, str, str | None]:
        made = describing.describe(str(tmp_path / folder), Said())
        return made.rows, made.data, made.dev

    for place, rows in (("mine/train.csv", 30), ("mine/test.csv", 9)):
        write(place, rows)
    assert found("mine") == (30, str(tmp_path / "mine/train.csv"), None)
    write("mine/dev.csv", 7)
    assert found("mine") == (30, str(tmp_path / "mine/train.csv"), str(tmp_path / "mine/dev.csv"))
    made = describing.describe(str(tmp_path / "mine"), Said())
    assert made.lines[0].endswith("dev.csv; not read: test.csv")
    task = yaml.safe_load(init.sweep_text(made))["tasks"]["mine"]
    assert (task["data"], task["dev"], "dev_share" in task) == (made.data, made.dev, False)
    for place, rows in (("parts/train/a.csv", 10), ("parts/train/b.csv", 11), ("parts/val/c.csv", 5)):
        write(place, rows)
    assert found("parts") == (21, str(tmp_path / "parts/train"), str(tmp_path / "parts/val"))
    for place in ("whole/train-1.csv", "whole/train-2.csv", "trains/trainer.csv", "trains/validations.csv"):
        write(place, 10)
    assert found("whole")[0] == found("trains")[0] == 20
    write("whole/validation.csv", 5)
    with pytest.raises(InputError, match=r"'train' is 2 files beside those of another split; put each .*whole/train$"):
        found("whole")


def test_of_a_file_that_cannot_be_rows_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.csv").write_bytes(b"text,text,label\na b,c d,1\n")
    with pytest.raises(InputError, match="there are 2 columns 'text'"):
        CliRunner().invoke(app, ["init", "my.csv"], catch_exceptions=False)
    assert not Path("my.yaml").exists()


def test_names_of_columns_are_written_so_that_yaml_reads_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"my text: #1": words(number), "yes": number % 2} for number in range(20)]
    Path("on.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    CliRunner().invoke(app, ["init", "on.jsonl", "--out", "x.yaml"], catch_exceptions=False)
    section = load_sweep("x.yaml").tasks["on"]
    assert (section.text, section.label) == (["my text: #1"], "yes")
