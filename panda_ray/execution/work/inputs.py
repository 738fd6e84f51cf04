"""What a unit read of the units it depends on, and whether that is still what they hold.

A key says how a result is computed, not which bits came out: a damaged prompt that is computed again in a stack of
another width, or on another machine, differs in rounding and in draws of dropout. So a record keeps the sha256 of each
file that was read, and a result whose inputs have changed since counts as not done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from panda_ray.execution.store.results.unit_files import content
from panda_ray.execution.store.sealed import Record
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import EMBEDDING_FILE, PROMPT_FILE
from panda_ray.execution.units.unit import Role, Unit

_FILE: Mapping[Role, str] = {
    "source_prompt": PROMPT_FILE,
    "teacher": PROMPT_FILE,
    "prompt": PROMPT_FILE,
    "source_embedding": EMBEDDING_FILE,
    "target_embedding": EMBEDDING_FILE,
}
"""What is read of a dependency."""


class StackInputs:
    """Everything that some units depend on: each record and each file is read once, and all at a time.

    Attributes:
        records: of the dependencies that have one, by key.
    """

    def __init__(self, units: Collection[Unit], store: Store) -> None:
        listed = [(key, _FILE[role]) for unit in units for role, keys in unit.dependencies.items() for key in keys]
        wanted = [*dict.fromkeys(listed)]
        self.records: Mapping[str, Record] = store.records_of(key for key, _ in wanted)
        self._files = store.read_files(wanted, self.records)

    def file(self, key: str, name: str) -> bytes:
        """One file of a dependency.

        Raises:
            LookupError: it is not in the store, or is damaged.
        """
        return content(self._files[key, name])


class InputReader:
    """Reads what one unit depends on.

    Attributes:
        read: for the record: per role and in the order of its keys, the key, the file and the sha256 of what was read.
    """

    def __init__(self, unit: Unit, inputs: StackInputs) -> None:
        self._unit, self._inputs = unit, inputs
        self.read: dict[str, list[dict[str, str]]] = {}

    def bytes_of(self, role: Role) -> tuple[bytes, ...]:
        """The files of the dependencies in this role, in the order of their keys; none if the unit has none.

        Raises:
            LookupError: one is not in the store, or is damaged.
        """
        keys, name = self._unit.dependencies.get(role, ()), _FILE[role]
        files = tuple(self._inputs.file(key, name) for key in keys)
        if files:
            self.read[role] = [
                {"key": key, "file": name, "sha256": hashlib.sha256(data).hexdigest()}
                for key, data in zip(keys, files, strict=True)
            ]
        return files
