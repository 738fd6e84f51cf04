"""The state of every unit of a plan: what `status` reads from the store and what `run` follows live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from panda_ray.sweep import sources_text

if TYPE_CHECKING:
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.store.store import Store

State = Literal["done", "running", "failed", "blocked", "stopped", "waiting"]
STATES: tuple[State, ...] = get_args(State)

_STAGE_OF_ROLE = {"source": "source prompts", "embedding": "embeddings", "teacher": "teachers", "trial": "trials"}


class CellState(NamedTuple):
    """One cell of the grid, and how it stands; `sources` is `a+b` where there are several, and empty without any."""

    backbone: str
    method: str
    sources: str
    target: str
    seed: int
    state: State


def cell_states(plan: Plan, states: Mapping[str, State]) -> tuple[CellState, ...]:
    """Every cell, in the order of the plan."""
    return tuple(
        CellState(cell.backbone, cell.method, sources_text(cell.sources), cell.target, cell.seed, states[cell.key])
        for cell in plan.cells
    )


def states_of(plan: Plan, running: Collection[str], failed: Collection[str]) -> dict[str, State]:
    """The state of every unit; a unit is blocked if anything that it needs failed and is not done."""
    states: dict[str, State] = {}
    for key in plan.units:
        if key in plan.done:
            states[key] = "done"
        elif key in running:
            states[key] = "running"
        elif key in failed:
            states[key] = "failed"
        elif any(states[needed] in ("failed", "blocked") for needed in plan.depends_on[key]):
            states[key] = "blocked"
        else:
            states[key] = "waiting"
    return states


def stored_states(plan: Plan, store: Store) -> dict[str, State]:
    """The states as the store knows them; a unit counts as running while its stack has a lease or a checkpoint."""
    running = {key for members in store.checkpoints.members().values() for key in members}
    running |= store.leases.taken(plan.units.keys())
    return states_of(plan, running, store.failures.among(set(plan.units)))


def combined(states: Iterable[State]) -> State:
    """One state for several seeds of a cell: the one that most deserves a look, `done` only if all are."""
    found = set(states)
    for state in ("failed", "running", "blocked", "waiting", "stopped"):
        if state in found:
            return state
    return "done"


def count_cells(cells: Iterable[CellState]) -> dict[State, int]:
    """How many cells are in each state."""
    counted = Counter(cell.state for cell in cells)
    return {state: counted[state] for state in STATES}


def stage_of(plan: Plan, key: str) -> str:
    """The stage that a unit belongs to: what it prepares, or the label of the method whose cell it fills."""
    role = plan.role_of[key]
    return plan.label_of[key] if role == "cell" else _STAGE_OF_ROLE[role]


def stages(plan: Plan, states: Mapping[str, State]) -> dict[str, Counter[State]]:
    """How many units are in each state, by stage: what prepares the cells, then methods in the order of the sweep."""
    labels = [section.title for section in plan.sweep.methods]
    counted: dict[str, Counter[State]] = {name: Counter() for name in (*_STAGE_OF_ROLE.values(), *labels)}
    for key, state in states.items():
        counted[stage_of(plan, key)][state] += 1
    return {name: counts for name, counts in counted.items() if counts}
