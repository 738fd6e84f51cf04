"""What the store of a sweep knows of its cells, read when it is first asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Record, Store
from panda_ray.reports.reproduction.asked import CostKind
from panda_ray.sweep import Sweep, sources_text
from panda_ray.usecases.searching.searches import known_plan

_GIB = 1 << 30
_MILLION = 1_000_000


class StoredCells:
    """See `Stored`."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep, self._store = sweep, Store(sweep.storage)

    def costs(self, kind: CostKind, backbone: str, method: str, sources: str, target: str) -> Mapping[int, float]:
        name = (backbone, method, sources, target)
        found = {seed: _cost(kind, self._chain(key)) for seed, key in self._keys.get(name, {}).items()}
        return {seed: cost for seed, cost in found.items() if cost is not None}

    def _chain(self, key: str) -> list[Record] | None:
        """The records of a unit and of all that it depends on; None where one is not done."""
        chain, left = dict[str, None](), [key]
        while left:
            key = left.pop()
            if key not in chain:
                chain[key] = None
                left += self._plan.depends_on[key]
        records = self._store.records_of(chain) if self._plan.done.issuperset(chain) else {}
        return list(records.values()) if len(records) == len(chain) else None

    @cached_property
    def _plan(self) -> Plan:
        return known_plan(self._sweep, self._store)[0]

    @cached_property
    def _keys(self) -> Mapping[tuple[str, str, str, str], Mapping[int, str]]:
        """By cell and seed."""
        found: dict[tuple[str, str, str, str], dict[int, str]] = {}
        for cell in self._plan.cells:
            name = (cell.backbone, cell.method, sources_text(cell.sources), cell.target)
            found.setdefault(name, {})[cell.seed] = cell.key
        return found


def _cost(kind: CostKind, chain: list[Record] | None) -> float | None:
    if chain is None:
        return None
    if kind == "seconds":
        return float(sum(record["seconds"] for record in chain))
    if kind == "memory":
        peaks = _said(chain, "peak_memory_bytes")
        return None if peaks is None else max(peaks) / _GIB
    trained = _said([record for record in chain if record["product"] == "prompt"], "trained_parameters")
    return None if trained is None else sum(trained) / _MILLION


def _said(records: list[Record], name: str) -> list[Any] | None:
    """Of each record; None where one is too old to have it."""
    found = [record.get(name) for record in records]
    return None if None in found else found
