"""Tasks of a user's own files in a sweep file: read in every form, split, keyed by content, refused in a sentence."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from panda_ray.errors import InputError
from panda_ray.execution.units.catalog import Catalog, read_catalog
from panda_ray.execution.work.workspace import Settings
from panda_ray.sweep.named_tasks import task_of
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks.own import own_task
from panda_ray.tasks.rows.loading import TaskRows, load_rows

ROWS = [
    {"title": f"=SUM(A{n})" if n else "NA", "body": f'fine, "{n}"\nthen', "stars": "2" if n % 3 else "10"}
    for n in range(30)
]
SAID = "kind: classification, text: [title, body], label: stars"


def written(path: Path, rows: list[dict[str, str]] = ROWS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def text_of(said: str, name: str = "mine") -> str:
    return (
        f"name: x\nstorage: s\nbackbones: [builtin-tiny]\nsources: [review]\ntargets: [{name}]\n"
        f"methods: [pot]\ntasks:\n  {name}: {{{said}}}\n"
    )


def catalog_of(folder: Path, said: str) -> Catalog:
    file = folder / "x.yaml"
    file.write_text(text_of(said))
    return read_catalog(load_sweep(str(file)))


def rows_of(folder: Path, said: str) -> TaskRows:
    file = folder / "x.yaml"
    file.write_text(text_of(said))
    return load_rows(task_of("mine", load_sweep(str(file)).tasks))


def problem(folder: Path, said: str) -> str:
    with pytest.raises(InputError) as error:
        catalog_of(folder, said)
    return str(error.value)


def test_every_form_of_the_same_rows_has_the_same_fingerprint_and_cells_are_text(tmp_path: Path) -> None:
    places = [written(tmp_path / f"my{suffix}") for suffix in (".csv", ".tsv", ".jsonl", ".parquet")]
    written(tmp_path / "shards" / "part-2.csv", ROWS[:20])
    written(tmp_path / "shards" / "part-10.csv", ROWS[20:])
    found = {rows_of(tmp_path, f"data: {place}, {SAID}").fingerprint for place in [*places, tmp_path / "shards"]}
    assert len(found) == 1
    rows = rows_of(tmp_path, f"data: {places[0]}, {SAID}")
    texts = [row["title"] for row in (*rows.train, *rows.dev)]
    assert {"NA", "=SUM(A7)"} <= set(texts)
    assert sorted(texts) == sorted(row["title"] for row in ROWS)


def test_a_dev_split_is_a_seeded_share_of_every_class(tmp_path: Path) -> None:
    place = written(tmp_path / "my.csv")
    by_default = rows_of(tmp_path, f"data: {place}, {SAID}")
    assert [sum(row["stars"] == code for row in by_default.dev) for code in (0, 1)] == [4, 2]
    assert len(by_default.train) == 24
    again = rows_of(tmp_path, f"data: {place}, {SAID}, dev_share: 0.2, dev_seed: 0")
    other = rows_of(tmp_path, f"data: {place}, {SAID}, dev_seed: 1")
    assert by_default.fingerprint == again.fingerprint != other.fingerprint
    dev = written(tmp_path / "dev.csv", ROWS[:5])
    given = rows_of(tmp_path, f"data: {place}, dev: {dev}, {SAID}")
    assert (len(given.train), len(given.dev)) == (30, 5)


def test_keys_follow_rows_columns_labels_and_measure_but_not_names_of_files(tmp_path: Path) -> None:
    place = written(tmp_path / "my.csv")

    def fingerprint(said: str) -> str:
        return catalog_of(tmp_path, said).data["mine"].fingerprint

    first = fingerprint(f"data: {place}, {SAID}")
    assert fingerprint(f"data: {written(tmp_path / 'copy.csv')}, {SAID}") == first
    others = {
        fingerprint(f"data: {place}, {SAID.replace('[title, body]', '[body, title]')}"),
        fingerprint(f"data: {place}, {SAID}, labels: ['10', '2']"),
        fingerprint(f"data: {place}, {SAID}, measure: f1"),
        fingerprint(f"data: {place}, kind: regression, text: [title, body], label: stars"),
    }
    written(place, [{**ROWS[0], "body": "another"}, *ROWS[1:]])
    assert len({first, *others, fingerprint(f"data: {place}, {SAID}")}) == 6


def test_classes_are_in_order_and_what_a_worker_gets_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "my.csv")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "x.yaml"
    file.write_text(text_of(f"data: my.csv, {SAID}"))
    sweep = load_sweep("x.yaml")
    settings = Settings.of(sweep)
    monkeypatch.chdir("/")
    (own,) = {settings: settings.own_tasks}[settings]
    spec = own_task(own)
    assert (spec.labels, spec.train_rows, spec.measure) == (("2", "10"), 24, "accuracy")
    assert load_rows(spec).train_where == str(tmp_path / "my.csv")


def test_a_conll_file_choices_and_answers_become_tasks(tmp_path: Path) -> None:
    (tmp_path / "my.conll").write_text("EU B-ORG\nwaits O\n\nAnn I-PER\nLee I-PER\n\n" * 4)
    tagged = rows_of(tmp_path, f"data: {tmp_path}/my.conll, kind: tagging, text: tokens, label: tags")
    assert {"tokens": ["Ann", "Lee"], "tags": [2, 3]} in tagged.train  # O, B-ORG, B-PER, I-PER
    choices = [{"why": "rain", "a": "wet", "b": "dry", "right": "ab"[n % 2]} for n in range(6)]
    place = written(tmp_path / "c.csv", choices)
    chosen = rows_of(
        tmp_path,
        f"data: {place}, kind: multiple_choice, text: why, choices: [a, b], label: right",
    )
    assert {row["right"] for row in chosen.train} == {0, 1}
    asked = [{"q": "who?", "c": "it was Ann", "a": "Ann" if n else ""} for n in range(6)]
    answered = rows_of(
        tmp_path, f"data: {written(tmp_path / 'q.csv', asked)}, kind: extractive_qa, text: q, pair: c, label: a"
    )
    found = [row["a"] for row in (*answered.train, *answered.dev)]
    assert {"text": ["Ann"], "answer_start": [7]} in found
    assert {"text": [], "answer_start": []} in found


def test_rows_that_cannot_be_learnt_are_refused_in_a_sentence(tmp_path: Path) -> None:
    place = written(tmp_path / "my.csv")
    data = f"data: {place}, kind: classification"
    assert "unknown column 'star'; did you mean 'stars'?" in problem(tmp_path, f"{data}, text: title, label: star")
    assert "30 different labels in 30 rows" in problem(tmp_path, f"{data}, text: title, label: body")
    assert "no file 'nowhere.csv'" in problem(tmp_path, f"data: nowhere.csv, {SAID}")
    assert "ends in none of .csv" in problem(tmp_path, f"data: {written(tmp_path / 'my.xlsx')}, {SAID}")
    one = written(tmp_path / "one.csv", [{**row, "stars": "5"} for row in ROWS])
    assert "every label is '5'" in problem(tmp_path, f"data: {one}, {SAID}")
    empty = written(tmp_path / "empty.csv", [*ROWS, {"title": "", "body": " ", "stars": "2"}])
    assert "row 30, column 'title': the text is empty" in problem(tmp_path, f"data: {empty}, dev: {place}, {SAID}")
    words = written(tmp_path / "words.csv", [*ROWS, {"title": "a", "body": "b", "stars": "many"}])
    regression = f"data: {words}, dev: {place}, kind: regression, text: title, label: stars"
    assert "row 30, column 'stars': 'many' is not a finite number" in problem(tmp_path, regression)
    (tmp_path / "latin.csv").write_bytes(b"title,body,stars\ncaf\xe9,b,2\n")
    assert "line 2: byte 3 is 0xe9, which is not UTF-8" in problem(tmp_path, f"data: {tmp_path}/latin.csv, {SAID}")
    (tmp_path / "mixed.jsonl").write_text(
        '{"title": "a", "body": "b", "stars": 1}\n{"title": 2, "body": "b", "stars": 1}\n'
    )
    assert "changed from string to number" in problem(tmp_path, f"data: {tmp_path}/mixed.jsonl, {SAID}")
    (tmp_path / "nothing.csv").write_text("title,body,stars\n")
    assert "too few rows" in problem(tmp_path, f"data: {tmp_path}/nothing.csv, {SAID}")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("text: a", "x.yaml:8: tasks.mine.text: says nothing without `data`"),
        ("data: a.csv, text: a, label: b", "tasks.mine: lacks the key 'kind'"),
        ("data: a.csv, kind: extractive_qa, text: a, label: b", "lacks the key 'pair': rows of a task extractive_qa"),
        ("data: a.csv, kind: regression, text: a, label: b, labels: [x, y]", "tasks.mine.labels: has no effect with"),
        ("data: a.csv, dev: b.csv, dev_seed: 3, kind: regression, text: a, label: b", "dev_seed: has no effect with"),
        ("data: a.csv, kind: tagging, text: [a, b], label: c", "tasks.mine.text: must be one column"),
        ("data: a.csv, kind: regression, text: a, label: b, measure: f1", "must be one of pearson_spearman_mean"),
    ],
)
def test_a_section_that_says_too_little_or_too_much_is_refused(tmp_path: Path, said: str, sentence: str) -> None:
    assert sentence in problem(tmp_path, said)


def test_a_task_of_the_package_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text_of(f"data: {written(tmp_path / 'my.csv')}, {SAID}", "remark"))
    with pytest.raises(InputError, match=r"tasks\.remark: is a task of the package; give the one of your data another"):
        load_sweep(str(file))
