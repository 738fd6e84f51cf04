"""How a unit ends: a result or a failure in the store, and the outcome that listeners hear of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from panda_ray.execution.events import Outcome
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.unit import Unit
from panda_ray.execution.work.host import this_host


def publish(store: Store, unit: Unit, record: Mapping[str, Any], files: Mapping[str, bytes]) -> Outcome:
    """Store a result.

    Raises:
        StoreFullError: when there is no room.
    """
    store.publish(unit.key, record, files)
    return Outcome(unit.key, "done")


def fail(store: Store, unit: Unit, error: str, traceback: str = "", host: str | None = None) -> Outcome:
    """Store why there is no result.

    Args:
        host: where the unit ran; here, unless given.

    Raises:
        StoreFullError: when there is no room.
    """
    store.failures.write(unit.key, error, traceback, this_host() if host is None else host)
    return Outcome(unit.key, "failed", error)


def fail_all(
    store: Store, units: Iterable[Unit], error: str, traceback: str = "", host: str | None = None
) -> list[Outcome]:
    """Store one reason for several units; see `fail`."""
    return [fail(store, unit, error, traceback, host) for unit in units]
