"""Which units are done: their record is there, their files are as it says, and their inputs as they were read."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from types import MappingProxyType

from panda_ray.execution.store.files.files import Files
from panda_ray.execution.store.files.folder import State
from panda_ray.execution.store.lineage import Lineage, inputs_of
from panda_ray.execution.store.results.bundles import Bundles
from panda_ray.execution.store.results.intact import IntactFiles
from panda_ray.execution.store.results.records import Records
from panda_ray.execution.store.results.unit_paths import is_record, key_of, of_units, path_of
from panda_ray.execution.store.sealed import Record, unseal

_BATCH = 64
"""Units of a local store that one thread checks before it takes the next ones."""

_HASHERS = 8
"""Threads that check a store in a folder once files keep one waiting, as on NFS, where each asks the server. Files in
memory keep the interpreter's lock busy: 10,000 units take one thread 2.1 s and eight threads 3.3."""

_WAITING = 3.0
"""Times as long as it computes takes a batch whose files keep it waiting."""

_Unit = Sequence[str]
"""Paths of the files of one, as they were listed: the order in which a disk is fast."""

_Bundled = Mapping[str, bytes]
"""Records that need not be asked for, by path."""


_Parts = Sequence[Mapping[str, str]]
"""When the units of each batch were done, by key."""


class DoneUnits:
    """Of the units of a store: on a local disk every file is hashed, once as long as its size and time stay.

    Attributes:
        outdated: results that the last `done_keys` left out, because their inputs have changed since.
        finished_at: of every unit that a `done_keys` found done, when its record says that it was.
    """

    def __init__(self, files: Files, bundles: Bundles, records: Records, intact: IntactFiles) -> None:
        self._files = files
        self._bundles = bundles
        self._records = records
        self._intact = intact
        self.outdated: frozenset[str] = frozenset()
        self.finished_at: dict[str, str] = {}

    def is_done(self, key: str) -> bool:
        """Of one unit, looked up by itself."""
        record = self._records.of_unit(key)
        return (
            record is not None
            and all(self._intact.is_intact(path_of(key, file["path"]), file) for file in record["files"].values())
            and not self._is_outdated(key, record)
        )

    def done_keys(self, among: Collection[str] | None = None) -> frozenset[str]:
        """Of all units (or those `among`), from one listing.

        Elsewhere than on a local disk sizes are compared here, and content when it is read.
        """
        listed = of_units(self._files.states("units"))
        self._records.seen.clear()
        units = _with_records(listed, among)
        lineage = Lineage()
        if self._files.is_local:
            batches = [units[start : start + _BATCH] for start in range(0, len(units), _BATCH)]
            parts = _checked(lambda batch: self._whole_among(batch, listed, lineage), batches)
        else:
            bundled = self._bundles.of({path: listed[path] for unit in units for path in unit if is_record(path)})
            parts = list(self._files.each(lambda unit: self._whole_among([unit], listed, lineage, bundled), units))
        self.outdated = frozenset(lineage.outdated())
        done = {key: time for part in parts for key, time in part.items() if key not in self.outdated}
        self.finished_at |= done
        return frozenset(done)

    def _is_outdated(self, key: str, record: Record) -> bool:
        lineage = Lineage()
        lineage.add(key, record)
        for needed in {each.key for each in inputs_of(record)}:
            if (found := self._records.of_unit(needed)) is not None:
                lineage.add(needed, found)
        return key in lineage.outdated()

    def _whole_among(
        self,
        units: Iterable[_Unit],
        listed: Mapping[str, State],
        lineage: Lineage,
        bundled: _Bundled = MappingProxyType({}),
    ) -> dict[str, str]:
        """When those of a few units were done whose files are as they were written; `lineage` hears of them."""
        done: dict[str, str] = {}
        for key, record in self._read(units, listed, bundled):
            if self._is_whole(key, record, listed):
                done[key] = record["finished_at"]
                lineage.add(key, record)
        return done

    def _read(
        self, units: Iterable[_Unit], listed: Mapping[str, State], bundled: _Bundled
    ) -> Sequence[tuple[str, Record]]:
        """The records of a few units; of their other files, what must be read to know of them is noted."""
        paths = [path for files in units for path in files if self._intact.must_read(path, listed[path])]
        records: list[tuple[str, Record]] = []
        read = self._files.read_in_turn(path for path in paths if path not in bundled)
        for path, data in chain(((path, bundled[path]) for path in paths if path in bundled), read):
            if is_record(path):
                if (record := unseal(key_of(path), data)) is not None:
                    records.append((key_of(path), record))
                    self._records.seen.keep(path, data or b"")
                    if not self._files.is_local and path not in bundled:
                        self._bundles.note(data or b"", listed[path])
            elif data is not None:
                self._intact.note(path, listed[path], data)
        return records

    def _is_whole(self, key: str, record: Record, listed: Mapping[str, State]) -> bool:
        files = [(path_of(key, file["path"]), file) for file in record["files"].values()]
        return all(
            path in listed
            and listed[path].size == file["bytes"]
            and (
                not self._files.is_local
                or self._intact.is_known(path, listed[path], file["sha256"])
                or self._intact.is_intact(path, file)
            )
            for path, file in files
        )


def _checked(check: Callable[[Sequence[_Unit]], dict[str, str]], batches: Sequence[Sequence[_Unit]]) -> _Parts:
    """What a check says of each batch; from the first one on that waits for its files, several at a time."""
    parts, left = [], deque(batches)
    is_waiting = False
    while left and not is_waiting:
        began, computed = time.perf_counter(), time.thread_time()
        parts.append(check(left.popleft()))
        is_waiting = time.perf_counter() - began > _WAITING * (time.thread_time() - computed)
    with ThreadPoolExecutor(_HASHERS) as pool:
        return [*parts, *pool.map(check, left)]


def _with_records(listed: Mapping[str, State], among: Collection[str] | None) -> Sequence[_Unit]:
    folders: dict[str, list[str]] = defaultdict(list)
    for path in listed:
        folders[path.rpartition("/")[0]].append(path)
    return [
        paths
        for folder, paths in folders.items()
        if f"{folder}/record.json" in listed and (among is None or key_of(paths[0]) in among)
    ]
