"""The files of a unit, under names that depend on their content."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from panda_ray.execution.store.files.files import Files
from panda_ray.execution.store.results.intact import IntactFiles, sha256_of
from panda_ray.execution.store.results.unit_paths import path_of
from panda_ray.execution.store.sealed import Record


class UnitFiles:
    """Of all units of a store, each as its record says."""

    def __init__(self, files: Files, intact: IntactFiles) -> None:
        self._files = files
        self._intact = intact

    def write(self, key: str, files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
        """Write the files of a unit at a time; what its record says of each, by name.

        Raises:
            StoreFullError: when there is no room.
        """

        def write(name: str) -> dict[str, Any]:
            data, path = files[name], PurePosixPath(name)
            sha256 = sha256_of(data)
            stored_as = f"{path.stem}.{sha256[:8]}{path.suffix}"
            self._files.write(path_of(key, stored_as), data)
            return {"path": stored_as, "sha256": sha256, "bytes": len(data)}

        return dict(zip(files, self._files.each(write, files), strict=True))

    def read(
        self, wanted: Collection[tuple[str, str]], records: Mapping[str, Record]
    ) -> dict[tuple[str, str], bytes | LookupError]:
        """Files by the key of their unit and their name, or why there is none; read at a time."""
        return dict(zip(wanted, self._files.each(lambda one: self._read(*one, records), wanted), strict=True))

    def _read(self, key: str, name: str, records: Mapping[str, Record]) -> bytes | LookupError:
        if key not in records:
            return no_record(key, self._files.url)
        files = records[key]["files"]
        if name not in files:
            return LookupError(f"unit {key} in {self._files.url} has no file {name!r}, only {', '.join(sorted(files))}")
        if (data := self._intact.read(path_of(key, files[name]["path"]), files[name])) is None:
            return LookupError(
                f"file {files[name]['path']!r} of unit {key} in {self._files.url} is damaged; "
                "run the sweep again to compute it anew"
            )
        return data


def no_record(key: str, url: str) -> LookupError:
    """What to say where a unit that must have a record has none."""
    return LookupError(f"unit {key} has no valid record in {url}; run the sweep again to compute it anew")


def content(found: bytes | LookupError) -> bytes:
    """What was read of one file.

    Raises:
        LookupError: nothing.
    """
    if isinstance(found, LookupError):
        raise found
    return found
