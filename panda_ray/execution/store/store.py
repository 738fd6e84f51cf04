"""The store of results: one folder per key, true once its `record.json` is there.

    units/<first two digits>/<key>/record.json          what was computed, and the sha256 and size of every file
    units/<first two digits>/<key>/<name>.<sha8>.<ext>  its files, under names that depend on their content
    checkpoints/<stack>                                 state of a running stack (`checkpoints.py`)
    failures/<key>.json                                 why a unit has no result (`failures.py`)
    bundles/<hash>.gz                                   records again, many in one (`remote/bundles.py`)
    limits/<footprint>/<width>.json                     which stacks did not fit into memory (`memory_limits.py`)
    leases/<driver>-<name>.json                         what drivers are at work on (`leases.py`)
    reports/<sweep>/                                    what a run has found, for people

`record.json` is written last and in one step, so its existence means done. Two drivers on one store cannot mix their
files: each record names the files that belong to it, and where a server can tell, the first of two records stays.
Nothing here is ever unpickled, and nothing is trusted: what is not as it was written is absent, and a record names
files of its own folder only (`sealed.py`, `folder.py`).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from panda_ray.execution.store import sealed
from panda_ray.execution.store.checkpoints import Checkpoints
from panda_ray.execution.store.failures import Failures
from panda_ray.execution.store.files import Files, StoreFullError
from panda_ray.execution.store.folder import State
from panda_ray.execution.store.leases import Leases
from panda_ray.execution.store.leftovers import Leftovers
from panda_ray.execution.store.lineage import Lineage, inputs_of
from panda_ray.execution.store.memory_limits import Limits
from panda_ray.execution.store.remote.bundles import Bundles
from panda_ray.execution.store.results.intact import IntactFiles, sha256_of
from panda_ray.execution.store.results.seen_records import SeenRecords
from panda_ray.execution.store.results.unit_paths import is_record, key_of, of_units, path_of
from panda_ray.execution.store.sealed import is_key, seal, unseal, unsealed

Record = sealed.Record

_BATCH = 64
"""Units of a local store that one thread checks before it takes the next ones."""

_HASHERS = 8
"""Threads that check a store in a folder. On a disk of this machine fewer are faster, because small files keep the
interpreter's lock busy; on NFS each file that is opened waits for the server."""


class Store:
    """Results under one URL.

    Args:
        url: folder, or any fsspec URL.
        driver: who works on it, as 32 hex digits; workers have that of their driver, a new one is made unless given.

    Attributes:
        checkpoints, failures, limits: what is kept of stacks that run, of units that failed, and of memory.
        outdated: results that the last `done_keys` left out, because their inputs have changed since.
        finished_at: of every unit that a `done_keys` found done, when its record says that it was: whoever keeps a copy
            of results sees by it, without reading them again, which ones were computed anew.
        leases: what drivers are at work on.
        leftovers: what drivers that died left behind.
    """

    def __init__(self, url: str, driver: str | None = None) -> None:
        self._files = Files(url)
        self.url = self._files.url
        self.checkpoints = Checkpoints(self._files)
        self.failures = Failures(self._files)
        self.limits = Limits(self._files)
        self.leases = Leases(self._files, driver or uuid.uuid4().hex)
        self._bundles = Bundles(self._files)
        self.leftovers = Leftovers(self._files)
        self._intact = IntactFiles(self._files)
        self._seen = SeenRecords()
        self.outdated: frozenset[str] = frozenset()
        self.finished_at: dict[str, str] = {}

    @property
    def local_folder(self) -> Path | None:
        """The folder of a store on this machine's disk, else None."""
        return Path(self.url) if self._files.is_local else None

    def publish(self, key: str, record: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Store a result; from then on the unit is done and its earlier failure is forgotten.

        A valid result that another driver published first stays, because others may already depend on it, and this one
        is dropped; one that is damaged or whose inputs have changed since is replaced. A server that knows which record
        is the first is told the new one unasked.

        Args:
            record: JSON data without `files`.
            files: name to content.

        Raises:
            StoreFullError: when there is no room; the unit then still counts as not done.
        """
        assert is_key(key), "units have hashes for keys"
        if self._files.knows_first or not self.is_done(key):
            sealed = seal({**record, "files": self._write_files(key, files)})
            place = path_of(key, "record.json")
            if not self._files.write_first(place, sealed) and not self.is_done(key):
                self._files.write(place, sealed)
        self.failures.clear(key)

    def remove(self, key: str) -> None:
        """Remove a unit: first its record, so that from then on it is not done, then the files that it names."""
        record = self.record(key)
        self._files.remove(path_of(key, "record.json"))
        for file in (record or {"files": {}})["files"].values():
            self._files.remove(path_of(key, file["path"]))

    def record(self, key: str) -> Record | None:
        """The record of a unit, or None if it has none or it was damaged; its files are checked when they are read."""
        if not is_key(key):
            return None
        data = self._files.read(path_of(key, "record.json"))
        record = unseal(key, data)
        if record is not None and not self._files.is_local:
            self._bundles.note(data or b"")
        return record

    def records_of(self, keys: Iterable[str]) -> dict[str, Record]:
        """The records of those of the keys that have one, read at a time."""
        keys = [*dict.fromkeys(keys)]
        found = zip(keys, self._files.each(self.record, keys), strict=True)
        return {key: record for key, record in found if record is not None}

    def known(self, key: str) -> Record:
        """The record of a unit that must have one.

        Raises:
            LookupError: if it has none, or it was damaged since.
        """
        if (record := self.record(key)) is None:
            raise self._no_record(key)
        return record

    def is_done(self, key: str) -> bool:
        """Whether one unit has a result whose files are as they were written, and its inputs as they were read."""
        record = self.record(key)
        return (
            record is not None
            and all(self._intact.is_intact(path_of(key, file["path"]), file) for file in record["files"].values())
            and not self._is_outdated(key, record)
        )

    def done_among(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the keys that `is_done`, asked at a time: for a few units, of which no listing is made."""
        keys = [*keys]
        return frozenset(key for key, done in zip(keys, self._files.each(self.is_done, keys), strict=True) if done)

    def records(self, among: Collection[str] | None = None) -> Iterator[tuple[str, Record]]:
        """Key and record of every unit (or of those `among`) that has one, read concurrently.

        What `done_keys` read a moment ago is not read again.
        """
        listed = of_units(self._files.states("units"))
        wanted = [path for path in listed if is_record(path) and (among is None or key_of(path) in among)]
        unseen = []
        for path in wanted:
            if (data := self._seen.take(path, listed[path].size)) is None:
                unseen.append(path)
            elif (record := unsealed(data)) is not None:
                yield key_of(path), record
        bundled = self._bundles.of({path: listed[path] for path in unseen})
        read = self._files.read_many(path for path in unseen if path not in bundled)
        for path, data in chain(bundled.items(), read):
            if (record := unseal(key_of(path), data)) is not None:
                yield key_of(path), record

    def done_keys(self, among: Collection[str] | None = None) -> frozenset[str]:
        """Units (of those `among`) whose record and files are as they were written, and their inputs as they were read.

        On a local disk every file is hashed, once per process as long as its size and time stay; elsewhere sizes are
        compared, and content when it is read.
        """
        listed = of_units(self._files.states("units"))
        self._seen.clear()
        folders: dict[str, list[str]] = defaultdict(list)
        for path in listed:
            folders[path.rpartition("/")[0]].append(path)
        units = [
            paths
            for folder, paths in folders.items()
            if f"{folder}/record.json" in listed and (among is None or key_of(paths[0]) in among)
        ]
        lineage = Lineage()
        if self._files.is_local:
            batches = [units[start : start + _BATCH] for start in range(0, len(units), _BATCH)]
            with ThreadPoolExecutor(_HASHERS) as pool:
                parts = list(pool.map(lambda batch: self._whole_among(batch, listed, lineage), batches))
        else:
            bundled = self._bundles.of({path: listed[path] for unit in units for path in unit if is_record(path)})
            parts = list(self._files.each(lambda unit: self._whole_among([unit], listed, lineage, bundled), units))
        self.outdated = frozenset(lineage.outdated())
        done = {key: time for part in parts for key, time in part.items() if key not in self.outdated}
        self.finished_at |= done
        return frozenset(done)

    def read_file(self, key: str, name: str) -> bytes:
        """One file of a unit that is done.

        Args:
            name: as in the record's `files`, such as `prompt.safetensors`.

        Raises:
            LookupError: when the unit has no such file, or its content is not what the record says.
        """
        return content(self.read_files([(key, name)])[key, name])

    def read_files(
        self, wanted: Collection[tuple[str, str]], records: Mapping[str, Record] | None = None
    ) -> dict[tuple[str, str], bytes | LookupError]:
        """Files by the key of their unit and their name, or why there is none (`content`); read at a time.

        Args:
            records: of the units, where they were read already.
        """
        known = self.records_of(key for key, _ in wanted) if records is None else records
        return dict(zip(wanted, self._files.each(lambda one: self._file_or_error(*one, known), wanted), strict=True))

    def _file_or_error(self, key: str, name: str, records: Mapping[str, Record]) -> bytes | LookupError:
        if key not in records:
            return self._no_record(key)
        files = records[key]["files"]
        if name not in files:
            return LookupError(f"unit {key} in {self.url} has no file {name!r}, only {', '.join(sorted(files))}")
        if (data := self._intact.read(path_of(key, files[name]["path"]), files[name])) is None:
            return LookupError(
                f"file {files[name]['path']!r} of unit {key} in {self.url} is damaged; "
                "run the sweep again to compute it anew"
            )
        return data

    def _no_record(self, key: str) -> LookupError:
        return LookupError(f"unit {key} has no valid record in {self.url}; run the sweep again to compute it anew")

    @contextmanager
    def bundling(self) -> Iterator[None]:
        """For whoever runs a sweep: keep what is read meanwhile, and was before, so that the next plan asks for little.

        Raises:
            StoreFullError: when there is no room.
        """
        if self._files.is_local:
            yield
            return
        self._bundles.begin()
        try:
            yield
        finally:
            with suppress(StoreFullError):  # the next plan asks for more, no less and no other thing
                self._bundles.write()

    def check_writable(self) -> None:
        """Try whether results can be stored, without leaving anything behind.

        Raises:
            InputError: they cannot be.
        """
        self._files.check_writable()

    def write_report(self, name: str, files: Mapping[str, bytes]) -> str:
        """Keep a sweep's report beside its results, in place of an earlier one; where it is.

        Raises:
            StoreFullError: when there is no room.
        """
        place = f"reports/{name}"
        list(self._files.each(lambda file: self._files.write(f"{place}/{file}", files[file]), files))
        return f"{self.url}/{place}"

    def remove_leftovers(self) -> None:
        """Remove what writers that died left behind."""
        self._files.remove_leftovers()
        self.leases.remove_leftovers()

    def _write_files(self, key: str, files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
        def write(name: str) -> dict[str, Any]:
            data, path = files[name], PurePosixPath(name)
            sha256 = sha256_of(data)
            stored_as = f"{path.stem}.{sha256[:8]}{path.suffix}"
            self._files.write(path_of(key, stored_as), data)
            return {"path": stored_as, "sha256": sha256, "bytes": len(data)}

        return dict(zip(files, self._files.each(write, files), strict=True))

    def _is_outdated(self, key: str, record: Record) -> bool:
        lineage = Lineage()
        lineage.add(key, record)
        for needed in {each.key for each in inputs_of(record)}:
            if (found := self.record(needed)) is not None:
                lineage.add(needed, found)
        return key in lineage.outdated()

    def _whole_among(
        self,
        units: Iterable[Sequence[str]],
        listed: Mapping[str, State],
        lineage: Lineage,
        bundled: Mapping[str, bytes] = MappingProxyType({}),
    ) -> dict[str, str]:
        """When those of a few units were done whose files are as they were written; `lineage` hears of them.

        Args:
            units: the paths of each one's files, as they were listed: the order in which a disk is fast.
            bundled: records that need not be asked for.
        """
        paths = [path for files in units for path in files if self._intact.must_read(path, listed[path])]
        done: dict[str, str] = {}
        records: list[tuple[str, Record]] = []
        read = self._files.read_in_turn(path for path in paths if path not in bundled)
        for path, data in chain(((path, bundled[path]) for path in paths if path in bundled), read):
            if is_record(path):
                if (record := unseal(key_of(path), data)) is not None:
                    records.append((key_of(path), record))
                    self._seen.keep(path, data or b"")
                    if not self._files.is_local and path not in bundled:
                        self._bundles.note(data or b"", listed[path])
            elif data is not None:
                self._intact.note(path, listed[path], data)
        for key, record in records:
            files = [(path_of(key, file["path"]), file) for file in record["files"].values()]
            if all(
                path in listed
                and listed[path].size == file["bytes"]
                and (
                    not self._files.is_local
                    or self._intact.is_known(path, listed[path], file["sha256"])
                    or self._intact.is_intact(path, file)
                )
                for path, file in files
            ):
                done[key] = record["finished_at"]
                lineage.add(key, record)
        return done


def content(found: bytes | LookupError) -> bytes:
    """What `read_files` found of one file.

    Raises:
        LookupError: nothing.
    """
    if isinstance(found, LookupError):
        raise found
    return found
