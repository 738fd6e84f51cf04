"""The hash of the rows that a task is trained and scored on; it enters every key.

Only the values that bear on a result are hashed (the task's columns of the rows in use), so that a copy of a data set
with other file names, compression, extra columns or unused rows has the same fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from panda_ray.tasks.task import Row


def fingerprint(splits: Mapping[str, Iterable[Row]], columns: Sequence[str], asked: Any = None) -> str:
    """sha256, in 64 hexadecimal digits, of the named columns of every split's rows in order.

    Args:
        asked: JSON value that says what is asked of the rows, where the task's name does not.

    Raises:
        TypeError, ValueError: for a value without a stable JSON form (an object, NaN).
    """
    sha = hashlib.sha256()
    if asked is not None:
        sha.update(_line(asked))
    for name in sorted(splits):
        sha.update(f"{name}\n".encode())
        for row in splits[name]:
            sha.update(_line([row[column] for column in columns]))
    return sha.hexdigest()


def _line(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"
