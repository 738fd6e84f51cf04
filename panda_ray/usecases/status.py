"""How far a sweep is, as the store knows it; works beside a running sweep and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.planning.states import State, count_cells, stored_states
from panda_ray.execution.store.failures import Failure
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep


@dataclass(frozen=True)
class Status:
    """What the store holds of a sweep.

    Attributes:
        states: of every unit, by key; a unit with a checkpoint is running, or was interrupted.
        failures: why units failed, by key.
    """

    plan: Plan
    storage: str
    states: Mapping[str, State]
    failures: Mapping[str, Failure]

    @property
    def cells(self) -> Mapping[State, int]:
        """How many cells are in each state."""
        return count_cells(self.plan, self.states)

    @property
    def complete(self) -> bool:
        """Every cell is done."""
        return self.cells["done"] == len(self.plan.cells)


def status_of(sweep: Sweep) -> Status:
    """Look at a sweep's store.

    Raises:
        InputError: for what cannot be planned.
    """
    store = Store(sweep.storage)
    plan = build_plan(sweep, store)
    states = stored_states(plan, store)
    failed = {key for key, state in states.items() if state == "failed"}
    return Status(plan, store.url, states, store.failures.among(failed))
