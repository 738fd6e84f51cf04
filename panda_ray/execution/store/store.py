"""The store of results: one folder per key, true once its `record.json` is there.

    units/<first two digits>/<key>/record.json          what was computed, and the sha256 and size of every file
    units/<first two digits>/<key>/<name>.<sha8>.<ext>  its files, under names that depend on their content
    checkpoints/<stack>                                 state of a running stack (`checkpoints.py`)
    failures/<key>.json                                 why a unit has no result (`failures.py`)
    bundles/<hash>.gz                                   records again, many in one (`results/bundles.py`)
    limits/<footprint>/<width>.json                     which stacks did not fit into memory (`memory_limits.py`)
    leases/<driver>-<name>.json                         what drivers are at work on (`leases.py`)
    reports/<sweep>/                                    what a run has found, for people

`record.json` is written last and in one step, so its existence means done. Two drivers on one store cannot mix their
files: each record names the files that belong to it, and where a server can tell, the first of two records stays.
Nothing here is ever unpickled, and nothing is trusted: what is not as it was written is absent, and a record names
files of its own folder only (`sealed.py`, `files/folder.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from panda_ray.execution.store import sealed
from panda_ray.execution.store.checkpoints import Checkpoints
from panda_ray.execution.store.failures import Failures
from panda_ray.execution.store.files.files import StoreFullError
from panda_ray.execution.store.files.opening import open_files
from panda_ray.execution.store.leases import Leases
from panda_ray.execution.store.leftovers import Leftovers
from panda_ray.execution.store.memory_limits import Limits
from panda_ray.execution.store.results.bundles import Bundles
from panda_ray.execution.store.results.done_units import DoneUnits
from panda_ray.execution.store.results.intact import IntactFiles
from panda_ray.execution.store.results.records import Records
from panda_ray.execution.store.results.unit_files import UnitFiles, content, no_record
from panda_ray.execution.store.results.unit_paths import path_of
from panda_ray.execution.store.sealed import is_key, seal

Record = sealed.Record


class Store:
    """Results under one URL.

    Args:
        url: folder, or any fsspec URL.
        driver: who works on it, as 32 hex digits; workers have that of their driver, a new one is made unless given.

    Attributes:
        checkpoints, failures, limits: what is kept of stacks that run, of units that failed, and of memory.
        leases: what drivers are at work on.
        leftovers: what drivers that died left behind.
    """

    def __init__(self, url: str, driver: str | None = None) -> None:
        self._files = open_files(url)
        self.url = self._files.url
        self.checkpoints = Checkpoints(self._files)
        self.failures = Failures(self._files)
        self.limits = Limits(self._files)
        self.leases = Leases(self._files, driver or uuid.uuid4().hex)
        self.leftovers = Leftovers(self._files)
        self._bundles = Bundles(self._files)
        self._records = Records(self._files, self._bundles)
        intact = IntactFiles(self._files)
        self._unit_files = UnitFiles(self._files, intact)
        self._done = DoneUnits(self._files, self._bundles, self._records, intact)

    @property
    def outdated(self) -> frozenset[str]:
        """Results that the last `done_keys` left out, because their inputs have changed since."""
        return self._done.outdated

    @property
    def finished_at(self) -> Mapping[str, str]:
        """Of every unit that a `done_keys` found done, when its record says that it was.

        Whoever keeps a copy of results sees by it, without reading them again, which ones were computed anew.
        """
        return self._done.finished_at

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
            sealed = seal({**record, "files": self._unit_files.write(key, files)})
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
        return self._records.of_unit(key)

    def records_of(self, keys: Iterable[str]) -> dict[str, Record]:
        """The records of those of the keys that have one, read at a time."""
        return self._records.of(keys)

    def known(self, key: str) -> Record:
        """The record of a unit that must have one.

        Raises:
            LookupError: if it has none, or it was damaged since.
        """
        if (record := self.record(key)) is None:
            raise no_record(key, self.url)
        return record

    def is_done(self, key: str) -> bool:
        """Whether one unit has a result whose files are as they were written, and its inputs as they were read."""
        return self._done.is_done(key)

    def done_among(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the keys that `is_done`, asked at a time: for a few units, of which no listing is made."""
        keys = [*keys]
        return frozenset(key for key, done in zip(keys, self._files.each(self.is_done, keys), strict=True) if done)

    def records(self, among: Collection[str] | None = None) -> Iterator[tuple[str, Record]]:
        """Key and record of every unit (or of those `among`) that has one, read concurrently.

        What `done_keys` read a moment ago is not read again.
        """
        return self._records.all(among)

    def done_keys(self, among: Collection[str] | None = None) -> frozenset[str]:
        """Units (of those `among`) whose record and files are as they were written, and their inputs as they were read.

        On a local disk every file is hashed, once per process as long as its size and time stay; elsewhere sizes are
        compared, and content when it is read.
        """
        return self._done.done_keys(among)

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
        return self._unit_files.read(wanted, known)

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
