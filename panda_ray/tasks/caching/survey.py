"""What planning wants to know of a task's rows; they are read and hashed once, until their files change."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from panda_ray.tasks.caching.disk import DiskCache, address
from panda_ray.tasks.caching.stamp import is_ours, rows_stamp
from panda_ray.tasks.extent import Extent, extent_of
from panda_ray.tasks.rows.loading import load_rows
from panda_ray.tasks.task import TaskSpec

_CACHE = DiskCache("rows", limit_bytes=16 << 20)


@dataclass(frozen=True)
class Survey:
    """A task's rows, from outside.

    Attributes:
        fingerprint: hash of exactly these rows.
        where: file (or origin) of the training rows, for messages.
    """

    fingerprint: str
    extent: Extent
    where: str


def survey(
    spec: TaskSpec, data_root: str | None = None, max_train_rows: int | None = None, max_dev_rows: int | None = None
) -> Survey:
    """Fingerprint and extent of the rows that `load_rows` would return, validated.

    Raises:
        MissingData, InputError: as `load_rows`.
    """
    if not is_ours(spec):
        return _read(spec, data_root, max_train_rows, max_dev_rows)
    name = address([*rows_stamp(spec, data_root), max_train_rows, max_dev_rows])
    return _from_json(
        bytes(_CACHE.read_or_make(name, lambda: _to_json(_read(spec, data_root, max_train_rows, max_dev_rows))))
    )


def _read(spec: TaskSpec, data_root: str | None, max_train_rows: int | None, max_dev_rows: int | None) -> Survey:
    rows = load_rows(spec, data_root, max_train_rows, max_dev_rows)
    return Survey(rows.fingerprint, extent_of(spec, rows.train, rows.dev), rows.train_where)


def _to_json(found: Survey) -> bytes:
    return json.dumps(asdict(found)).encode()


def _from_json(data: bytes) -> Survey:
    found = json.loads(data)
    extent = found.pop("extent")
    words = tuple((first, second) for first, second in extent.pop("words"))
    return Survey(extent=Extent(**extent, words=words), **found)
