"""Folders of data and models that a sweep names and its cluster lacks: refused, or brought there.

What is brought lies in the cluster's storage under the hash of its content, so that equal files are sent once, and a
changed one never takes the place of another. It travels through the head, in pieces that are not sent again: this
machine needs no key to a bucket. The other side is `usecases/on_head/receive.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panda_ray.clusters.code import zipped
from panda_ray.clusters.open_cluster import Cluster
from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.sweep.hyperparameters import TaskSection
from panda_ray.usecases.remote.asking import ask_head

MANIFEST = "manifest.json"
PIECES = "panda_ray_pieces"
"""The folder of a package that holds `<sha256>/<offset>`."""

_PIECE = 64 << 20
"""Bytes of a file that travel in one package; Ray's dashboard takes no request of 100 MiB."""

_PIECES_AT_A_TIME = 4
"""The head holds so many in memory for one job."""


Say = Callable[[str], None]


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine.

    Attributes:
        place: where it lies on the cluster, relative to what is brought with it.
        size: bytes.
    """

    path: Path
    place: str
    size: int
    sha256: str


def offsets(size: int) -> range:
    """Where the pieces of a file of so many bytes begin; an empty one has one."""
    return range(0, max(size, 1), _PIECE)


def piece_bytes(size: int, offset: int) -> int:
    """Of one piece."""
    return min(_PIECE, size - offset)


def with_folders(cluster: Cluster, sweep: Sweep, missing: Sequence[str], upload: bool, say: Say) -> Sweep:
    """The sweep with folders of the cluster in the place of those that only this machine has.

    Args:
        say: hears of each file that is brought.

    Raises:
        InputError: a folder is nowhere, or it is here and not to be uploaded.
    """
    for path in missing:
        if not Path(path).expanduser().exists():
            raise InputError(f"there is no file or folder {path!r}, neither on {cluster.title} nor here")
    if not upload:
        raise InputError(
            f"{cluster.title} has no {missing[0]!r}, which is on this machine; bring it there with "
            "--upload-data, or name one that all its nodes see: --set data_root=..., --set tasks.NAME.data=..."
        )
    view = _bring(cluster, list(_files(sweep, missing)), say)
    backbones = [
        section.model_copy(update={"path": f"{view}/models/{section.name}"}) if section.path in missing else section
        for section in sweep.backbones
    ]
    tasks = {
        name: section.model_copy(
            update={key: f"{view}/{place}" for key, path, place in _own(name, section) if path in missing}
        )
        for name, section in sweep.tasks.items()
    }
    changes: dict[str, Any] = {"backbones": backbones, "tasks": tasks}
    if sweep.data_root in missing:
        changes["data_root"] = f"{view}/data"
    return sweep.model_copy(update=changes)


def _files(sweep: Sweep, missing: Sequence[str]) -> Iterator[LocalFile]:
    """The tables of the sweep's tasks, and all of each model's folder."""
    if sweep.data_root is not None and sweep.data_root in missing:
        root = Path(sweep.data_root).expanduser()
        for task in dict.fromkeys((*sweep.source_tasks, *sweep.targets)):
            yield from (
                _file(path, f"data/{path.relative_to(root)}") for path in sorted((root / task).rglob("*.parquet"))
            )
    for name, own in sweep.tasks.items():
        for _, given, place in _own(name, own):
            path = Path(given).expanduser()
            if given in missing:
                inside = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
                yield from (_file(each, str(Path(place, each.relative_to(path)))) for each in inside)
    for section in sweep.backbones:
        if section.path is not None and section.path in missing:
            root = Path(section.path).expanduser()
            found = sorted(path for path in root.rglob("*") if path.is_file())
            yield from (_file(path, f"models/{section.name}/{path.relative_to(root)}") for path in found)


def _own(task: str, section: TaskSection) -> Iterator[tuple[str, str, str]]:
    """Key, path here and place there of each file or folder of a task of the user's own."""
    for key, path in (("data", section.data), ("dev", section.dev)):
        if path is not None:
            yield key, path, f"tasks/{task}/{key}/{Path(path).name}"


def _file(path: Path, place: str) -> LocalFile:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return LocalFile(path, place, path.stat().st_size, digest)


def _bring(cluster: Cluster, files: Sequence[LocalFile], say: Say) -> str:
    """Send what the cluster lacks; the folder in which all lies there."""
    listed = [{"place": file.place, "size": file.size, "sha256": file.sha256} for file in files]
    manifest = {MANIFEST: json.dumps(listed).encode()}
    answer = ask_head(cluster, "receive", MANIFEST, files=manifest)
    pieces = [(str(sha256), int(offset)) for sha256, offset in answer["lacking"]]
    left = Counter(sha256 for sha256, _ in pieces)
    for file in files:
        say(f"{file.place}: {file.size / 2**20:,.1f} MiB, sha256 {file.sha256[:16]}, {_wanting(file, left)}")
    by_hash = {file.sha256: file for file in files}
    for first in range(0, len(pieces), _PIECES_AT_A_TIME):
        sent = pieces[first : first + _PIECES_AT_A_TIME]
        packages = [_sent(cluster, by_hash[sha256], offset) for sha256, offset in sent]
        answer = ask_head(cluster, "receive", MANIFEST, files=manifest, packages=packages)
        say(f"{min(first + len(sent), len(pieces))} of {len(pieces)} pieces brought")
    return str(answer["view"])


def _wanting(file: LocalFile, left: Mapping[str, int]) -> str:
    """How much of a file has to be brought."""
    pieces, lacking = len(offsets(file.size)), left[file.sha256]
    if not lacking:
        return "there already"
    return "to be brought" if lacking == pieces else f"{pieces - lacking} of {pieces} pieces there already"


def _sent(cluster: Cluster, file: LocalFile, offset: int) -> str:
    """Put one piece of a file on the cluster; the URI of its package."""
    with file.path.open("rb") as content:
        content.seek(offset)
        package = zipped({f"{PIECES}/{file.sha256}/{offset}": content.read(_PIECE)})
    return cluster.jobs.put_package(f"_ray_pkg_{file.sha256[:24]}_{offset}.zip", package)
