"""How a plan grows while it runs: units that nobody could know at its start join those that it has.

A plan is never changed: a larger one takes its place, so that whoever reads it in another thread sees a whole one. That
copies three tables, half a millisecond per 10,000 units; a proposal is for a stack or more, not for every epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from panda_ray.execution.planning.packing import depths, pack
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.cells import Cell
from panda_ray.execution.units.graph import Graph, PlanRole
from panda_ray.execution.units.unit import Unit


@dataclass(frozen=True)
class Proposal:
    """Units that a plan should have, with all that they depend on; it may have some of them already.

    Attributes:
        units: by key, a unit after its dependencies.
        role_of, label_of: as in a plan. A unit keeps the role that the plan knows it by, but for one that fills a cell
            from now on.
        cells: that some of the units fill.
    """

    units: Mapping[str, Unit]
    role_of: Mapping[str, PlanRole]
    label_of: Mapping[str, str]
    cells: tuple[Cell, ...] = ()


def proposal_of(graph: Graph, keys: Iterable[str], cells: Sequence[Cell] = ()) -> Proposal:
    """Units with all that they need; those of cells fill them from now on."""
    units = graph.with_needed([*keys, *(cell.key for cell in cells)])
    return Proposal(
        units=units,
        role_of={key: graph.role_of[key] for key in units} | dict.fromkeys((cell.key for cell in cells), "cell"),
        label_of={key: graph.label_of[key] for key in units} | {cell.key: cell.method for cell in cells},
        cells=tuple(cells),
    )


def grown(plan: Plan, proposal: Proposal, store: Store | None = None) -> Plan:
    """A plan with the units of a proposal; its new stacks follow the old ones, so that no old one changes.

    Args:
        store: whose results count as done, and whose checkpoints are gone on with; without one nothing new is done.
    """
    new = {key: unit for key, unit in proposal.units.items() if key not in plan.units}
    needed = {key for unit in new.values() for key in unit.depends_on}
    assert all(key in plan.units or key in new for key in needed), "a proposal has all that its units depend on"
    done = frozenset[str]() if store is None else store.done_among(new)
    checkpointed = {} if store is None else store.checkpoints.members()
    max_stack = plan.sweep.resources.max_stack
    stacks = pack(new, depths(new), done, checkpointed, max_stack, plan.limits, plan.fits)
    renamed = [
        key for key, role in proposal.role_of.items() if key in new or (role == "cell" and plan.role_of[key] != "cell")
    ]
    return replace(
        plan,
        cells=plan.cells + proposal.cells,
        units={**plan.units, **new},
        role_of={**plan.role_of, **{key: proposal.role_of[key] for key in renamed}},
        label_of={**plan.label_of, **{key: proposal.label_of[key] for key in renamed}},
        done=plan.done | done,
        stacks=plan.stacks + stacks,
    )
