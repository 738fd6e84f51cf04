"""A data set of the Hub as rows of one's own: asked once what its name means, fetched, and kept at that commit."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from support.servers.hub_server import Hub, hub_server

ROOT = Path(__file__).parents[3]
SESSION = """
import json, sys
from huggingface_hub import constants
from typer.testing import CliRunner
from panda_ray.cli.app import app
from panda_ray.sweep.named_tasks import task_of
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks.caching.survey import survey
from panda_ray.usecases.starting.named_rows import rows_to_label

def said(line):
    if line[0] == "offline":
        constants.HF_HUB_OFFLINE = line[1]
        return [0, "", ""]
    if line[0] == "fingerprint":
        return [0, survey(task_of(line[2], load_sweep(line[1]).tasks)).fingerprint, ""]
    if line[0] == "rows":
        try:
            return [0, rows_to_label(line[1]), ""]
        except ValueError as error:
            return [1, "", str(error)]
    found = CliRunner().invoke(app, line)
    return [found.exit_code, found.stdout, str(found.exception) if found.exception else found.stderr]

for line in sys.stdin:
    print(json.dumps(said(json.loads(line))), flush=True)
"""
"""Command lines in one process that has the server's address: the Hub's client reads it when it is imported."""
CARD = b"""---
configs:
- config_name: en
  data_files:
  - {split: train, path: en/train-*}
  - {split: validation, path: en/validation-*}
  - {split: test, path: en/test-*}
- config_name: de
  data_files:
  - {split: train, path: de/train.parquet}
---
"""
NAMES = {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}}


def parquet(first: int, rows: int) -> bytes:
    numbers = range(first, first + rows)
    table = pa.table({"text": [f"thing {n} is so" for n in numbers], "label": [n % 3 % 2 for n in numbers]})
    described = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": NAMES}})})
    pq.write_table(described, file := io.BytesIO())
    return file.getvalue()


REVIEWS = {
    "README.md": CARD,
    "en/train-00000-of-00002.parquet": parquet(0, 50),
    "en/train-00001-of-00002.parquet": parquet(50, 20),
    "en/validation-00000-of-00001.parquet": parquet(200, 30),
    "en/test-00000-of-00001.parquet": parquet(300, 25),
    "de/train.parquet": parquet(400, 40),
}


class Session:
    """Command lines that know one Hub, in a folder and with a home of their own."""

    def __init__(self, url: str, hub: Hub, folder: Path) -> None:
        home = {name: str(folder / "home") for name in ("HF_HOME", "HOME", "XDG_CACHE_HOME")}
        environment = {**os.environ, **home, "HF_ENDPOINT": url, "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(ROOT)}
        self.hub, self.folder = hub, folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", SESSION],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *line: Any) -> tuple[int, str, str]:
        """Exit status, what it says, and what is wrong."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        code, said, wrong = json.loads(self.process.stdout.readline())
        return code, said, wrong

    def task(self, name: str) -> dict[str, Any]:
        task: dict[str, Any] = yaml.safe_load((self.folder / f"{name}.yaml").read_text())["tasks"][name]
        return task


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with hub_server() as (url, hub):
        hub.commits["datasets/lab/reviews"] = [REVIEWS]
        hub.commits["datasets/lab/plain"] = [{"train.csv": b"text,label\nso it is,x\nso it was,y\n" * 9}]
        hub.commits["datasets/lab/zipped"] = [{"train.json.gz": b""}]
        hub.commits["datasets/lab/parts"] = [{f"train/{name}.csv": b"text,label\n" for name in "ab"}]
        found = Session(url, hub, tmp_path_factory.mktemp("hub_rows"))
        yield found
        assert found.process.stdin is not None
        found.process.stdin.close()
        found.process.wait()


def test_a_name_becomes_files_at_a_commit_and_goes_on_without_a_network(session: Session) -> None:
    code, said, wrong = session("init", "lab/reviews:en", "--out", "reviews_en.yaml")
    assert (code, "fetching 0.1 MB from the Hub, train and validation" in wrong) == (0, True), wrong
    assert "configuration en" in said
    assert "evaluates on 'validation'; not read: test" in said
    assert "70 rows: classification" in said
    commit = session.hub.oid("datasets/lab/reviews", 0)
    task = session.task("reviews_en")
    root = f"hf://datasets/lab/reviews@{commit}/en"
    assert task["data"] == f"{root}/train-*-of-00002.parquet"
    assert task["dev"] == f"{root}/validation-00000-of-00001.parquet"
    fetched = {line.rpartition("/")[2] for line in session.hub.asked if "/resolve/" in line and "parquet" in line}
    assert fetched == {name.rpartition("/")[2] for name in REVIEWS if name.startswith(("en/train", "en/valid"))}

    for name in ("train", "validation"):
        (session.folder / name).mkdir()
        for path, content in REVIEWS.items():
            if path.startswith(f"en/{name}"):
                (session.folder / name / path.rpartition("/")[2]).write_bytes(content)
    text = (session.folder / "reviews_en.yaml").read_text()
    here = text.replace(task["data"], "train").replace(task["dev"], "validation")
    (session.folder / "here.yaml").write_text(here)
    session.hub.commits["datasets/lab/reviews"].append({**REVIEWS, "en/train-00000-of-00002.parquet": parquet(7, 50)})
    session.hub.asked.clear()
    session("offline", True)
    of_hub, of_files = (session("fingerprint", file, "reviews_en") for file in ("reviews_en.yaml", "here.yaml"))
    session("offline", False)
    assert len(of_hub[1]) == 64
    assert of_hub == of_files, "rows of the Hub have the keys of the same rows in files"
    assert session.hub.asked == []


def test_an_adaptation_that_goes_on_keeps_its_commit(session: Session) -> None:
    """The newest one has no rows: whoever asked for it would not come so far as to refuse the folder."""
    session.hub.commits["datasets/lab/reviews"] = [REVIEWS]
    assert session("init", "lab/reviews:de")[0] == 0
    (session.folder / "reviews_de").mkdir()
    (session.folder / "reviews_de.yaml").rename(session.folder / "reviews_de" / "reviews_de.yaml")
    session.hub.commits["datasets/lab/reviews"].append({"README.md": CARD})
    code, _, wrong = session("adapt", "lab/reviews:de", "--text", "nothing")
    session.hub.commits["datasets/lab/reviews"].pop()
    assert (code, "unknown column 'nothing'" in wrong) == (1, True), wrong


def test_a_split_is_chosen(session: Session) -> None:
    code, said, wrong = session("init", "lab/reviews:en#test", "--out", "unseen.yaml")
    assert (code, "25 rows" in said) == (0, True), wrong
    text = (session.folder / "unseen.yaml").read_text()
    assert "en/test-00000-of-00001.parquet" in text
    assert "dev_share" in text
    code, _, wrong = session("rows", "lab/reviews:en")
    assert "has the splits train, validation, test; name one: 'lab/reviews:en#train'" in wrong
    assert session("rows", "lab/reviews:en#test")[1].endswith("/en/test-00000-of-00001.parquet")
    assert session("rows", "lab/plain")[1].endswith("/train.csv")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("lab/reviews", "has 2 configurations: de, en; name one: lab/reviews:de"),
        ("lab/reviews:eng", "unknown configuration 'eng'; did you mean 'en'?"),
        ("lab/reviews:en#tset", "unknown split 'tset'; did you mean 'test'?"),
        ("lab/reviews:en@newest", "has no such branch, tag or commit"),
        ("lab/review", "no file or folder 'lab/review' .* the Hub has no data set 'lab/review' that you may read"),
        ("lab/zipped", "files that end in .gz, and read are .csv"),
        ("lab/parts", "is 2 files whose names do not count them"),
        ("hf://datasets/lab/reviews/fr/train.parquet", "has no such file at"),
    ],
)
def test_what_the_hub_does_not_have_is_one_sentence(session: Session, name: str, wrong: str) -> None:
    code, _, said = session("init", name, "--out", "never.yaml")
    assert code == 1
    assert len(said.splitlines()) == 1
    assert re.search(wrong, said), said
    assert not (session.folder / "never.yaml").exists()


def test_without_a_network_it_says_so_and_a_sweep_file_must_name_a_commit(session: Session) -> None:
    session("offline", True)
    code, _, wrong = session("init", "lab/other", "--out", "never.yaml")
    session("offline", False)
    assert code == 1
    assert "no file or folder 'lab/other'" in wrong
    assert "cannot be asked: HF_HUB_OFFLINE forbids" in wrong
    assert session("init", "lab/plain")[0] == 0
    text = (session.folder / "plain.yaml").read_text()
    commit = session.hub.oid("datasets/lab/plain", 0)
    (session.folder / "moving.yaml").write_text(text.replace(commit, "main"))
    code, _, wrong = session("plan", "moving.yaml")
    assert "names no commit (40 hexadecimal digits)" in wrong
    assert "`panda-ray init lab/plain` writes" in wrong
