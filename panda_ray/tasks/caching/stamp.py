"""What the rows of a task depend on, told without reading them: their files' states, the limits, and our own code."""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import Any

import panda_ray.tasks
from panda_ray.tasks.rows.loading import split_files
from panda_ray.tasks.rows.own.own_rows import what_is_asked
from panda_ray.tasks.task import FileOrigin, TaskSpec


def is_ours(spec: TaskSpec) -> bool:
    """Whether a task is one of this package's, or of a user's files, so that `code_stamp` covers its templates."""
    return isinstance(spec.origin, FileOrigin) or any(spec is known for known in panda_ray.tasks.TASKS.own)


def rows_stamp(spec: TaskSpec, data_root: str | None) -> list[Any]:
    """JSON value that differs where a task's files, their templates or our code may differ.

    Raises:
        MissingData, InputError: as `split_files`.
    """
    files = split_files(spec, data_root)
    states = None if files is None else [[_state(path) for path in split] for split in files]
    own = [*astuple(spec.origin)[1:], what_is_asked(spec)] if isinstance(spec.origin, FileOrigin) else []
    return [spec.name, spec.template_version, code_stamp(), states, *own]


@lru_cache(maxsize=1)
def code_stamp() -> str:
    """Hash of everything that makes rows, texts and tensors out of files."""
    root = Path(panda_ray.tasks.__file__).parent
    sha = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        sha.update(f"{path.relative_to(root)}\n".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()


def _state(path: Path) -> list[Any]:
    """What changes when a file does; the Hub's cache holds links, so the target counts."""
    state = path.stat()
    return [str(path.resolve()), state.st_size, state.st_mtime_ns, state.st_ino]
