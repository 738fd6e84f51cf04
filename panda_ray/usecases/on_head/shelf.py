"""Files under the hash of their content, beside a cluster's sweeps: a folder or a bucket, the same in both.

pieces/<sha256>/<offset>   what has come of a file, until all of it is there
blobs/<sha256>             whole files
views/<hash>/<place>       files under their names, as a sweep reads them
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from panda_ray.errors import InputError
from panda_ray.usecases.remote.folders import offsets, piece_bytes


class Shelf:
    """What lies under one URL.

    Args:
        url: of a folder or bucket; need not be there yet.
    """

    def __init__(self, url: str) -> None:
        import fsspec
        from fsspec.implementations.local import LocalFileSystem

        self.url = url
        self._fs: Any
        if "://" in url:
            self._fs, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
        else:
            self._fs, self._root = LocalFileSystem(), str(Path(url).absolute())
        self._is_folder = isinstance(self._fs, LocalFileSystem)

    def keep(self, sha256: str, offset: int, content: bytes) -> None:
        """Put a piece of a file in its place."""
        with self._new(f"pieces/{sha256}/{offset}") as path:
            self._fs.pipe_file(path, content)

    def lacking(self, sizes: Mapping[str, int]) -> list[tuple[str, int]]:
        """Hash and offset of the pieces that have not come; of files that are whole none.

        Args:
            sizes: bytes, by hash.
        """
        whole, came = self._sizes("blobs"), self._sizes("pieces")
        return [
            (sha256, offset)
            for sha256, size in sizes.items()
            if whole.get(sha256) != size
            for offset in offsets(size)
            if came.get(f"{sha256}/{offset}") != piece_bytes(size, offset)
        ]

    def complete(self, sizes: Mapping[str, int]) -> None:
        """Make whole files of pieces, none of which lacks.

        Raises:
            InputError: what came is not what was announced.
        """
        whole = self._sizes("blobs")
        for sha256, size in sizes.items():
            if whole.get(sha256) != size:
                self._make_whole(sha256, size)

    def view(self, listed: Sequence[Mapping[str, Any]]) -> str:
        """URL of the folder in which whole files lie under their names.

        Args:
            listed: `place`, `size` and `sha256` of each.

        Raises:
            InputError: a place is none below the folder.
        """
        for file in listed:
            place = PurePosixPath(file["place"])
            if place.is_absolute() or ".." in place.parts:
                raise InputError(f"{place} is no place below the storage")
        named = "\n".join(sorted(f"{file['sha256']} {file['place']}" for file in listed))
        folder = f"views/{hashlib.sha256(named.encode()).hexdigest()[:24]}"
        there = self._sizes(folder)
        for file in listed:
            if there.get(file["place"]) != file["size"]:
                with self._new(f"{folder}/{file['place']}") as path:
                    self._copy(f"{self._root}/blobs/{file['sha256']}", path)
        return f"{self.url}/{folder}"

    def _make_whole(self, sha256: str, size: int) -> None:
        pieces = [f"{self._root}/pieces/{sha256}/{offset}" for offset in offsets(size)]
        with tempfile.TemporaryFile() as file:
            for piece in pieces:
                file.write(self._fs.cat_file(piece))
            file.seek(0)
            is_right = hashlib.file_digest(file, "sha256").hexdigest() == sha256
            if is_right:
                file.seek(0)
                with self._new(f"blobs/{sha256}") as path, self._fs.open(path, "wb") as blob:
                    shutil.copyfileobj(file, blob)
        self._remove(pieces)
        if not is_right:
            raise InputError(f"a file changed while it was brought to {self.url}; submit again")

    def _copy(self, blob: str, path: str) -> None:
        if self._is_folder:
            with suppress(OSError):  # a file system without links
                os.link(blob, path)
                return
        self._fs.cp_file(blob, path)

    @contextmanager
    def _new(self, place: str) -> Iterator[str]:
        """A path to write to, which becomes the file in one step; a server's put is one."""
        path = f"{self._root}/{place}"
        if not self._is_folder:
            yield path
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        written = Path(f"{path}.{uuid.uuid4().hex}")
        try:
            yield str(written)
            written.replace(path)
        finally:
            written.unlink(missing_ok=True)

    def _sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every file below a folder, by its place there."""
        root = f"{self._root}/{folder}"
        try:
            listed = self._fs.find(root, detail=True)
        except FileNotFoundError:
            return {}
        return {path.removeprefix(f"{root}/"): info["size"] for path, info in listed.items()}

    def _remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._fs.rm_file(path)
