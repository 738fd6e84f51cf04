"""Files of a server that fsspec speaks to, with as few requests as it can be asked with.

Fsspec hides what servers can do behind what file systems have in common; what is asked otherwise of S3 and GCS stands
here. A put is atomic on every server that is known to work.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

import fsspec

from panda_ray.execution.store.files.folder import State

CONNECTIONS = 32
"""Requests at a time. Botocore keeps 10 connections unless it is told otherwise."""

_S3, _GCS = {"s3", "s3a"}, {"gs", "gcs"}
_ATTEMPTS = 4
_MD5 = re.compile(r"[0-9a-f]{32}")


class Objects:
    """The objects below one URL, by their path relative to it. Errors are those of the package that speaks to it.

    Attributes:
        knows_first: whether the server puts an object only where there is none, in one step: S3 by `If-None-Match: *`,
            GCS by `ifGenerationMatch=0`.
    """

    def __init__(self, url: str) -> None:
        # What others publish must be seen: fsspec would remember listings, and share them between stores.
        self._fs, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
        protocols = {self._fs.protocol} if isinstance(self._fs.protocol, str) else set(self._fs.protocol)
        self._is_s3 = not protocols.isdisjoint(_S3)
        self.knows_first = not protocols.isdisjoint(_S3 | _GCS)
        if self._is_s3:
            self._fs.config_kwargs = {"max_pool_connections": CONNECTIONS, **self._fs.config_kwargs}

    def read_start(self, path: str, size: int) -> bytes:
        """At most the first `size` bytes; a range, because s3fs asks for the size of a whole object first."""
        return bytes(self._fs.cat_file(self._full(path), start=0, end=size))

    def states(self, folder: str) -> Mapping[str, State]:
        """Every object below a folder; as many requests as the server has pages."""
        found: Mapping[str, Any]
        if self._is_s3:  # of an empty folder s3fs asks in two more requests whether it is an object
            found = self._fs.find(self._root, prefix=f"{folder}/", detail=True)
        else:
            found = self._fs.find(self._full(folder), detail=True)
        start = len(self._fs._strip_protocol(self._root)) + 1
        return {path[start:]: State(int(info.get("size") or 0), 0, _md5(info)) for path, info in found.items()}

    def write(self, path: str, data: bytes) -> None:
        """Put an object in its place, replacing an older one."""
        self._fs.pipe_file(self._full(path), data)

    def write_first(self, path: str, data: bytes) -> bool:
        """Put an object unless the server knows that there is one; whether it was put.

        A request that was sent twice may find its own object.
        """
        if not self.knows_first:
            self.write(path, data)
            return True
        for attempt in range(_ATTEMPTS):
            try:
                self._fs.pipe_file(self._full(path), data, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                # Of two at the same time S3 may refuse one before the other one is there.
                if "ConditionalRequestConflict" not in str(error) or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return True
        raise AssertionError("the last attempt has an answer")

    def remove(self, path: str) -> None:
        """Remove an object; S3 takes it for done where there is none."""
        self._fs.rm_file(self._full(path))

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"


def _md5(info: Mapping[str, Any]) -> str:
    """What a listing says of content: S3's tag of what was put at once, unless it is under a key of KMS; GCS's hash."""
    if isinstance(hashed := info.get("md5Hash"), str):
        return base64.b64decode(hashed).hex()
    tag = str(info.get("ETag", "")).strip('"')
    return tag if _MD5.fullmatch(tag) else ""
