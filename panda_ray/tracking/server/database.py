"""A local MLflow database: made in one step, moved with its folder, put aside when it is broken.

MLflow makes its tables over several seconds, and a process that is killed meanwhile leaves a file that no MLflow ever
opens again. So the tables are made elsewhere, and the finished file gets its name at once. They are made once per
version of MLflow: an empty database is kept in the user's cache folder, and others begin as copies of it.

MLflow writes the absolute path of every artifact folder into its tables. When the folder of a store is moved or copied,
the database goes with it and still points at the old place: the paths are mended before anyone asks MLflow.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from mlflow import MlflowClient
from mlflow.version import VERSION

from panda_ray.errors import InputError
from panda_ray.tasks.caching.disk import DiskCache, address
from panda_ray.tracking.server.uri import ARTIFACTS, mlflow_uri, uri_of_database

_PREFIX = ".mlflow-new-"
_LOCK = "lock"
_BUSY_SECONDS = 30.0
_EMPTY = DiskCache("mlflow", limit_bytes=16 << 20)


def create_database(path: Path) -> None:
    """Make an empty database with all tables, unless there is one; another process may do the same at the same time."""
    _remove_leftovers(path.parent)
    if path.exists() and path.stat().st_size:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=path.parent) as folder, Path(folder, _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Path(folder, path.name)
        made.write_bytes(_EMPTY.read_or_make(address(["empty", VERSION]), lambda: _made_by_mlflow(made)))
        _begin(made)
        _give_name(made, path)


def _made_by_mlflow(path: Path) -> bytes:
    """The tables, by its 68 migrations."""
    MlflowClient(mlflow_uri(uri_of_database(path))).search_experiments(max_results=1)
    return path.read_bytes()


def _begin(path: Path) -> None:
    """The one experiment of an empty database begins now and here, as if its tables had just been made."""
    now, artifacts = round(time.time() * 1000), str(Path.cwd() / "mlruns" / "0")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "UPDATE experiments SET artifact_location = ?, creation_time = ?, last_update_time = ?",
            (artifacts, now, now),
        )


def _give_name(made: Path, path: Path) -> None:
    """Unless another process was faster; an empty file is what SQLite leaves when it opens what is not there."""
    if path.exists() and not path.stat().st_size:
        made.replace(path)
        return
    try:
        path.hardlink_to(made)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            made.rename(path)


def _remove_leftovers(folder: Path) -> None:
    """What processes left that were killed while they made a database: nobody holds its lock."""
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError), Path(left, _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)


def relocate(path: Path) -> bool:
    """Make the artifact folders of a database those beside it, wherever it was when they were written.

    Returns:
        Whether it had been elsewhere.

    Raises:
        InputError: for a file that is no MLflow database.
        sqlite3.OperationalError: for one that must be changed and cannot.
    """
    here = (path.parent / ARTIFACTS).as_uri()
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as database, database:
        moved = [(old, new) for old, new in _locations(database, path, here) if old != new]
        for old, new in moved:
            database.execute("UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?", (new, old))
            database.execute(
                "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) WHERE substr(artifact_uri, 1, ?) = ?",
                (new, len(old) + 1, len(old) + 1, f"{old}/"),
            )
        return bool(moved)


def _locations(database: sqlite3.Connection, path: Path, here: str) -> list[tuple[str, str]]:
    """Artifact folders of ours, as they are written and as they should be."""
    try:
        rows = database.execute("SELECT artifact_location FROM experiments").fetchall()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "no such table" not in str(error):
            raise
        raise InputError(
            f"{path} is no MLflow database ({error}); `panda-ray track SWEEP --rebuild` puts it aside and makes a new "
            "one from the store"
        ) from error
    found = []
    for (old,) in rows:
        before, folder, name = str(old).rpartition(f"/{ARTIFACTS}/")
        if folder and before.startswith(("file:", "/")):
            found.append((str(old), f"{here}/{name if before.startswith('file:') else quote(name)}"))
    return found


def readable(path: Path) -> Path:
    """A database whose artifact folders can be mended: itself, or else a copy until this process ends."""
    return path if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else _copy(path)


def _copy(path: Path) -> Path:
    """A copy with the artifacts in their place."""
    folder = Path(tempfile.mkdtemp(prefix="panda-ray-mlflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = folder / path.name
    shutil.copyfile(path, copy)
    (folder / ARTIFACTS).symlink_to(path.parent / ARTIFACTS)
    relocate(copy)
    return copy


def put_aside(path: Path) -> Path | None:
    """Rename a file that is no MLflow database; returns its new name, or None where all is well."""
    try:
        if path.exists() and path.stat().st_size:
            relocate(path)
    except InputError:
        aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%dT%H%M%S')}")
        path.rename(aside)
        return aside
    return None
