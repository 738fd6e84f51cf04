"""The layouts that splits are kept in: the same rows in each, and a sentence for what is there but is none of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from panda_ray.errors import InputError
from panda_ray.tasks import get_task
from panda_ray.tasks.caching.survey import survey
from panda_ray.tasks.rows.loading import MissingData, load_rows
from panda_ray.tasks.task import TaskSpec
from support.trained.task_data import rows_of, write_task

RTE = get_task("rte")
COUNT = 13
"""Rows of the training split: no multiple of any number of parts."""


def write_parts(spec: TaskSpec, *paths: Path) -> None:
    """The training rows in files of unequal sizes; the second one has none."""
    rows, parts = rows_of(spec, COUNT), len(paths)
    table = pa.Table.from_pylist(rows)
    ends = [0, *sorted(COUNT * step // parts for step in range(1, parts))[: parts - 1], COUNT]
    if parts > 2:
        ends[2] = ends[1]
    for path, first, end in zip(paths, ends, ends[1:], strict=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.slice(first, end - first), path)


def numbered(folder: Path, name: str, count: int, suffix: str = "") -> list[Path]:
    return [folder / f"{name}-{index:05d}-of-{count:05d}{suffix}.parquet" for index in range(count)]


LAYOUTS: dict[str, Callable[[Path], list[Path]]] = {
    "one file": lambda task: [task / "train.parquet"],
    "numbered parts": lambda task: numbered(task, "train", 3),
    "numbered parts with hashes": lambda task: numbered(task, "train", 3, "-0a1b2c3d4e5f6789"),
    "in data": lambda task: numbered(task / "data", "train", 2),
    "a folder of parts": lambda task: [task / "train" / f"{index:04d}.parquet" for index in range(3)],
    "a folder of parts without leading zeros": lambda task: [task / "train" / f"part-{n}.parquet" for n in range(11)],
    "as Spark writes it": lambda task: [task / "train.parquet" / f"part-{n:05d}-c000.parquet" for n in range(3)],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data root with RTE in one file per split."""
    return write_task(tmp_path, RTE, rows_of(RTE, COUNT), rows_of(RTE, 4))


@pytest.fixture
def task(data: Path) -> Path:
    """A task's folder that lacks its training split."""
    (data / "rte" / "train.parquet").unlink()
    return data / "rte"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_the_same_rows_in_order_and_the_same_fingerprint(layout: str, tmp_path: Path) -> None:
    one_file = load_rows(RTE, str(write_task(tmp_path / "one", RTE, rows_of(RTE, COUNT), rows_of(RTE, 4))))
    task = write_task(tmp_path / "other", RTE, rows_of(RTE, 1), rows_of(RTE, 4)) / "rte"
    (task / "train.parquet").unlink()
    files = LAYOUTS[layout](task)
    write_parts(RTE, *files)
    (files[0].parent / "_SUCCESS").touch()
    loaded = load_rows(RTE, str(task.parent))
    assert loaded.train == rows_of(RTE, COUNT)
    assert loaded.fingerprint == one_file.fingerprint
    limited = load_rows(RTE, str(task.parent), max_train_rows=8)
    assert limited.train == load_rows(RTE, str(tmp_path / "one"), max_train_rows=8).train


def test_mnlis_validation_is_the_matched_one_as_the_hub_calls_it(tmp_path: Path) -> None:
    spec = get_task("mnli")
    rows = rows_of(spec, 9)
    task = write_task(tmp_path, spec, rows, rows[:3]) / "mnli"
    matched = task / "validation_matched-00000-of-00001.parquet"
    (task / "validation.parquet").rename(matched)
    shutil.copy(task / "train.parquet", task / "validation_mismatched-00000-of-00001.parquet")
    assert load_rows(spec, str(tmp_path)).dev == rows[:3]


def test_a_problem_is_named_with_its_part_and_the_row_in_it(task: Path) -> None:
    paths = numbered(task, "train", 3)
    write_parts(RTE, *paths)
    table = pq.read_table(paths[2]).to_pylist()
    table[1]["label"] = 7
    pq.write_table(pa.Table.from_pylist(table), paths[2])
    with pytest.raises(InputError, match=r"train-00002-of-00003\.parquet, row 1, column 'label': label 7 is out of"):
        load_rows(RTE, str(task.parent))


def test_a_part_that_is_missing_or_of_another_copy_is_an_error(task: Path) -> None:
    paths = numbered(task, "train", 3)
    write_parts(RTE, *paths)
    paths[1].unlink()
    with pytest.raises(InputError, match="of 3 parts, part 00001 is missing") as error:
        load_rows(RTE, str(task.parent))
    assert not isinstance(error.value, MissingData)
    write_parts(RTE, *paths)
    write_parts(RTE, *numbered(task, "train", 2)[:1])
    with pytest.raises(InputError, match=r"train-00000-of-00002\.parquet and train-\S+ are parts of different copies"):
        load_rows(RTE, str(task.parent))


def test_two_copies_of_a_split_are_not_chosen_from(data: Path) -> None:
    write_parts(RTE, *numbered(data / "rte", "train", 2))
    with pytest.raises(InputError, match=r"both train\S*\.parquet and train\S*\.parquet could be 'train'; keep one"):
        load_rows(RTE, str(data))


@pytest.mark.parametrize("name", ["train.csv", "train.jsonl", "train-clean.parquet", "train"])
def test_a_split_in_another_form_is_not_called_absent(task: Path, name: str) -> None:
    (task / name).write_text("x")
    with pytest.raises(
        InputError, match=f"rte/{name}: is not read as 'train'; write the rows as train.parquet"
    ) as error:
        load_rows(RTE, str(task.parent))
    assert not isinstance(error.value, MissingData)


def test_what_is_there_but_cannot_be_read_is_not_called_absent(task: Path) -> None:
    path = task / "train.parquet"

    def said() -> str:
        with pytest.raises(InputError) as error:
            load_rows(RTE, str(task.parent))
        assert not isinstance(error.value, MissingData)
        return str(error.value)

    path.symlink_to("nowhere.parquet")
    assert f"{path}: is there but cannot be read (No such file" in said()
    path.unlink()
    path.symlink_to("train.parquet")
    assert f"{path}: is there but cannot be read (Too many levels of symbolic links)" in said()
    path.unlink()
    os.mkfifo(path)
    assert said() == f"{path}: is neither a file nor a folder of files"
    path.unlink()
    path.touch()
    assert f"{path}: not a Parquet file (Parquet file size is 0 bytes)" in said()
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    assert f"{path}: a pointer of Git LFS, not the file itself" in said()
    path.unlink()
    path.mkdir()
    assert said() == f"{path}: the folder holds no Parquet file"


def test_a_task_that_is_a_file_or_a_broken_link_is_not_called_absent(tmp_path: Path) -> None:
    task = tmp_path / "rte"
    for make in (task.touch, lambda: task.symlink_to("nowhere")):
        make()
        with pytest.raises(InputError, match="/rte: is there but cannot be read") as error:
            load_rows(RTE, str(tmp_path))
        assert not isinstance(error.value, MissingData)
        task.unlink()


def test_a_fingerprint_is_computed_again_when_any_part_changes(task: Path) -> None:
    """Also when a part of equal size changes, and when one is added or goes."""
    folder = task / "train"
    write_parts(RTE, *(folder / f"{index}.parquet" for index in range(3)))

    def now() -> str:
        found = survey(RTE, str(task.parent)).fingerprint
        assert found == load_rows(RTE, str(task.parent)).fingerprint
        return found

    seen = [now()]
    last = pq.read_table(folder / "2.parquet")
    pq.write_table(last.take(list(reversed(range(last.num_rows)))), folder / "2.parquet")
    seen.append(now())
    pq.write_table(last, folder / "3.parquet")
    seen.append(now())
    (folder / "0.parquet").unlink()
    seen.append(now())
    assert len(set(seen)) == 4


WITHOUT_READER = """
import sys
sys.modules["datasets"] = None  # importing it fails from here on
from panda_ray.tasks import get_task
from panda_ray.tasks.caching.survey import survey
print(survey(get_task("rte"), sys.argv[1]).fingerprint)
"""


def test_known_rows_are_planned_without_importing_the_reader(data: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_READER, str(data)]
    unknown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "import of datasets halted" in unknown.stderr
    known = survey(RTE, str(data)).fingerprint
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == known


ALL_FILES = """
import json, pathlib, socket, sys, tempfile

def refuse(*_):
    raise SystemExit("a server was asked")

socket.socket.connect = socket.getaddrinfo = refuse
from panda_ray.tasks import get_task
from panda_ray.tasks.rows.loading import load_rows
load_rows(get_task("rte"), sys.argv[1])
assert "datasets" in sys.modules
"""


def test_reading_leaves_nothing_behind_and_asks_no_server(data: Path, tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    hidden = {name for name in os.environ if name.startswith(("HF_", "XDG_"))}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    places = {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ALL_FILES, str(data)]
    subprocess.run(command, env={**kept, **places}, cwd=home, check=True)
    assert [*home.rglob("*"), *temporary.rglob("*")] == []


def test_both_forms_of_declared_labels_are_read_and_a_broken_one_is_an_error(tmp_path: Path) -> None:
    spec, rows = get_task("conll03"), rows_of(get_task("conll03"), 6)
    right, wrong = list(spec.labels), list(spec.labels[::-1])

    def forms(names: list[str]) -> list[object]:
        element = {"names": names, "_type": "ClassLabel"}
        codes = {str(code): name for code, name in enumerate(names)}
        return [
            {"ner_tags": {"feature": element, "_type": "List"}},
            {"ner_tags": {"feature": element, "_type": "Sequence"}, "other": {"_type": "OfTheFuture"}},
            {"ner_tags": [element]},
            [{"name": "ner_tags", "sequence": {"class_label": {"names": codes}}}, {"name": "other", "dtype": "new"}],
        ]

    def load(features: object) -> None:
        stored = {"huggingface": json.dumps({"info": {"features": features}})}
        load_rows(spec, str(write_task(tmp_path, spec, rows, rows, stored)))

    for sound, swapped in zip(forms(right), forms(wrong), strict=True):
        load(sound)
        with pytest.raises(InputError, match=r"train\.parquet: column 'ner_tags' declares the labels I-MISC, B-MISC"):
            load(swapped)
    load({"ner_tags": {"feature": {"names": [str(code) for code in range(9)], "_type": "ClassLabel"}, "_type": "List"}})
    for broken in ("{", "[]", "null", '{"info": 3}', '{"info": {"features": {"ner_tags": 3}}}', "[" * 100_000):
        root = str(write_task(tmp_path, spec, rows, rows, {"huggingface": broken}))
        with pytest.raises(
            InputError, match=r"train\.parquet: the schema's 'huggingface' metadata cannot be understood"
        ):
            load_rows(spec, root)
