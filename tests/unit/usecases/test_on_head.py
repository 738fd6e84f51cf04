"""The head's side of what a laptop asks: where sweeps stand, what is noted of them, and files that come in pieces."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from panda_ray.errors import InputError
from panda_ray.usecases.on_head.drive import drive, mark, submitted_sweep
from panda_ray.usecases.on_head.home import Home, find_home
from panda_ray.usecases.on_head.receive import receive
from panda_ray.usecases.on_head.submissions import Submissions, known_submission
from panda_ray.usecases.remote import folders
from panda_ray.usecases.remote.folders import PIECES
from support.servers.object_server import object_server
from support.sweeps.small_sweeps import small_sweep


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PANDA_RAY_STORAGE", f"{tmp_path}/")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    return tmp_path


def test_a_relative_storage_and_a_local_database_give_way_to_the_clusters(root: Path) -> None:
    home = find_home()
    settled = home.settle(small_sweep("runs/small"))
    assert (settled.storage, settled.tracking_uri) == (f"{root}/small", "http://127.0.0.1:5000")
    own = small_sweep("s3://bucket/x", tracking_uri="http://elsewhere:5000")
    assert home.settle(own) == own
    assert home.settle(small_sweep("/mnt/x")).storage == "/mnt/x"
    assert Home("s3://b", None).settle(small_sweep("x", tracking_uri="sqlite:///x.db")).tracking_uri == "sqlite:///x.db"


def test_a_cluster_that_names_no_storage_says_how_it_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PANDA_RAY_STORAGE", raising=False)
    with pytest.raises(InputError, match="start its head with PANDA_RAY_STORAGE=URL"):
        find_home()


@pytest.mark.parametrize(
    ("code", "asked", "state"),
    [
        (0, None, "done"),
        (1, None, "failed"),
        (2, None, "refused"),
        (130, None, "stopped"),
        (130, "pausing", "paused"),
        (130, "cancelling", "cancelled"),
        (0, "pausing", "done"),
    ],
)
def test_a_driver_notes_that_it_runs_and_how_it_ended(root: Path, code: int, asked: str | None, state: str) -> None:
    sweep = small_sweep("runs/small")
    seen = []

    def run(settled: Any) -> int:
        seen.append((settled.storage, known_submission("small").state))
        if asked is not None:
            assert mark("small", "small-1", asked)["state"] == asked
            assert mark("small", "small-9", "cancelling") == {}
        return code

    assert drive(sweep, "small-1", run) == code
    assert seen == [(f"{root}/small", "running")]
    note = known_submission("small")
    assert (note.id, note.state) == ("small-1", state)
    assert submitted_sweep("small") == sweep
    assert [found.summary["sweep"] for found in Submissions(find_home()).all()] == ["small"]


def test_a_driver_that_is_interrupted_or_refused_notes_that(root: Path) -> None:
    def interrupted(_: Any) -> int:
        raise KeyboardInterrupt("terminated")

    assert drive(small_sweep("runs/small"), "small-1", interrupted) == 130
    assert known_submission("small").state == "stopped"

    def refused(_: Any) -> int:
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        drive(small_sweep("runs/small"), "small-2", refused)
    assert known_submission("small").state == "refused"


def test_no_password_is_noted(root: Path) -> None:
    drive(small_sweep("runs/small", tracking_uri="https://ana:hidden@server/"), "small-1", lambda _: 0)
    assert "hidden" not in (root / ".panda-ray/submissions/small.json").read_text()
    assert submitted_sweep("small").tracking_uri is None


def test_what_nobody_submitted_and_what_cannot_be_read_any_more_are_told_apart(root: Path) -> None:
    with pytest.raises(InputError, match="knows no sweep 'nobody'"):
        submitted_sweep("nobody")
    drive(small_sweep("runs/small"), "small-1", lambda _: 0)
    path = root / ".panda-ray/submissions/small.json"
    note = json.loads(path.read_text())
    note["sweep"]["unknown"] = 1
    path.write_text(json.dumps(note))
    with pytest.raises(InputError, match="by another panda_ray"):
        submitted_sweep("small")


def brought(folder: Path, monkeypatch: pytest.MonkeyPatch, *pieces: tuple[str, int, bytes]) -> None:
    """Put packages on the path as Ray does."""
    for sha256, offset, content in pieces:
        piece = folder / f"{sha256[:8]}-{offset}" / PIECES / sha256 / str(offset)
        piece.parent.mkdir(parents=True)
        piece.write_bytes(content)
        monkeypatch.syspath_prepend(str(folder / f"{sha256[:8]}-{offset}"))


@pytest.fixture(params=["folder", "bucket"])
def shelf(request: pytest.FixtureRequest, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a cluster keeps what is brought."""
    if request.param == "folder":
        yield f"{root}/.panda-ray/data"
        return
    with object_server() as server:
        monkeypatch.setenv("PANDA_RAY_STORAGE", server.storage("sweeps"))
        yield f"{server.storage('sweeps')}/.panda-ray/data"


def read(url: str, place: str) -> bytes:
    if "://" not in url:
        return Path(url, place).read_bytes()
    return bytes(fsspec.filesystem("s3", skip_instance_cache=True).cat_file(f"{url}/{place}"))


def test_files_are_whole_when_their_last_piece_has_come_and_no_piece_is_asked_for_again(
    shelf: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_PIECE", 6)
    content = b"0123456789"
    sha256 = hashlib.sha256(content).hexdigest()
    listed = [{"place": "data/mine/train.parquet", "size": 10, "sha256": sha256}]
    assert receive(listed) == {"lacking": [[sha256, 0], [sha256, 6]], "view": None}
    before = list(sys.path)
    packages = tmp_path_factory.mktemp("packages")
    brought(packages, monkeypatch, (sha256, 6, content[6:]))
    assert receive(listed)["lacking"] == [[sha256, 0]]
    monkeypatch.setattr(sys, "path", before)
    assert receive(listed)["lacking"] == [[sha256, 0]], "another job goes on where one was cut off"
    brought(packages, monkeypatch, (sha256, 0, content[:6]))
    view = receive(listed)["view"]
    assert view.startswith(shelf)
    assert read(view, "data/mine/train.parquet") == content
    monkeypatch.setattr(sys, "path", before)
    assert receive(listed) == {"lacking": [], "view": view}
    moved = [{**listed[0], "place": "data/other/train.parquet"}]
    assert receive(moved)["lacking"] == []
    other = receive(moved)["view"]
    assert other != view
    assert read(other, "data/other/train.parquet") == content


def test_a_file_that_is_not_what_was_announced_is_refused_and_asked_for_again(
    shelf: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = hashlib.sha256(b"announced").hexdigest()
    listed = [{"place": "data/x", "size": 9, "sha256": sha256}]
    before = list(sys.path)
    brought(tmp_path_factory.mktemp("packages"), monkeypatch, (sha256, 0, b"different"))
    with pytest.raises(InputError, match=r"changed while it was brought to .*; submit again"):
        receive(listed)
    monkeypatch.setattr(sys, "path", before)
    assert receive(listed)["lacking"] == [[sha256, 0]]


def test_an_empty_file_is_brought(
    shelf: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = hashlib.sha256(b"").hexdigest()
    packages = tmp_path_factory.mktemp("packages")
    brought(packages, monkeypatch, (sha256, 0, b""))
    view = receive([{"place": "data/empty", "size": 0, "sha256": sha256}])["view"]
    assert read(view, "data/empty") == b""


def test_files_go_nowhere_but_below_the_storage(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = hashlib.sha256(b"x").hexdigest()
    brought(tmp_path_factory.mktemp("packages"), monkeypatch, (sha256, 0, b"x"))
    with pytest.raises(InputError, match="is no place below the storage"):
        receive([{"place": "../x", "size": 1, "sha256": sha256}])
