"""The records of a store: one, those of some units, and all; what is no record is absent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from panda_ray.execution.store.files.files import Files
from panda_ray.execution.store.results.bundles import Bundles
from panda_ray.execution.store.results.seen_records import SeenRecords
from panda_ray.execution.store.results.unit_paths import is_record, key_of, of_units, path_of
from panda_ray.execution.store.sealed import Record, is_key, unseal, unsealed


class Records:
    """Of the units of a store.

    Attributes:
        seen: those that were read to see what is done, which whoever reads all gets from here.
    """

    def __init__(self, files: Files, bundles: Bundles) -> None:
        self._files = files
        self._bundles = bundles
        self.seen = SeenRecords()

    def of_unit(self, key: str) -> Record | None:
        """The record of a unit, or None if it has none or it was damaged; its files are not looked at."""
        if not is_key(key):
            return None
        data = self._files.read(path_of(key, "record.json"))
        record = unseal(key, data)
        if record is not None and not self._files.is_local:
            self._bundles.note(data or b"")
        return record

    def of(self, keys: Iterable[str]) -> dict[str, Record]:
        """The records of those of the keys that have one, read at a time."""
        keys = [*dict.fromkeys(keys)]
        found = zip(keys, self._files.each(self.of_unit, keys), strict=True)
        return {key: record for key, record in found if record is not None}

    def all(self, among: Collection[str] | None = None) -> Iterator[tuple[str, Record]]:
        """Key and record of every unit (or of those `among`) that has one, read concurrently."""
        listed = of_units(self._files.states("units"))
        wanted = [path for path in listed if is_record(path) and (among is None or key_of(path) in among)]
        unseen = []
        for path in wanted:
            if (data := self.seen.take(path, listed[path].size)) is None:
                unseen.append(path)
            elif (record := unsealed(data)) is not None:
                yield key_of(path), record
        bundled = self._bundles.of({path: listed[path] for path in unseen})
        read = self._files.read_many(path for path in unseen if path not in bundled)
        for path, data in chain(bundled.items(), read):
            if (record := unseal(key_of(path), data)) is not None:
                yield key_of(path), record
