"""A store of many finished units in seconds: one seed is trained, the others are copies of it under their own keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.execution.store.store import Record, Store
from panda_ray.execution.units.unit import Unit
from panda_ray.sweep import Sweep

_THREADS = 8


def forge(sweep: Sweep) -> Plan:
    """Fill the store of a sweep; the first seed's units are really trained."""
    store = Store(sweep.storage)
    first = build_plan(sweep.model_copy(update={"seeds": sweep.seeds[:1]}), store)
    assert run_plan(first, Costs.in_store(first, store), store, InlineRunner()).complete, "trivial units do not fail"
    templates = {_address(first.units[key]): _Result(store, key) for key in first.units}
    plan = build_plan(sweep, store)
    missing = [unit for key, unit in plan.units.items() if key not in plan.done]
    with _unsynced(), ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda unit: templates[_address(unit)].publish_as(unit, store), missing))
    return plan


class _Result:
    """A stored result, to be stored again under other keys."""

    def __init__(self, store: Store, key: str) -> None:
        self._record: Record = store.known(key)
        self._files = {name: store.read_file(key, name) for name in self._record["files"]}

    def publish_as(self, unit: Unit, store: Store) -> None:
        record = {name: value for name, value in self._record.items() if name not in ("files", "seal")}
        record |= {"key": unit.key, "identity": unit.identity, "seed": unit.seed}
        store.publish(unit.key, record, self._files)


def _address(unit: Unit) -> tuple[str, str, tuple[str, ...], str]:
    return unit.product, unit.method, unit.sources, unit.task


def _leave(fd: object) -> None:
    """To be written some time."""


@contextmanager
def _unsynced() -> Iterator[None]:
    """Without waiting for the disk after every file: a forged store need not survive a power cut."""
    synced = os.fsync
    os.fsync = _leave
    try:
        yield
    finally:
        os.fsync = synced
