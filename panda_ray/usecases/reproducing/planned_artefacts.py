"""What artefacts would take, one after the other: a unit that several need is counted with the first of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from panda_ray.errors import InputError
from panda_ray.execution.costs.ahead import Ahead, work_ahead
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.memory.within_memory import within_memory
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog, read_catalog
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.missing_cells import missing_cells
from panda_ray.sweep import Sweep
from panda_ray.usecases.reproducing.artefact_sweeps import axes_of


@dataclass(frozen=True)
class PlannedArtefact:
    """One artefact before it runs.

    Attributes:
        units: in total; of them `shared` with artefacts before it, `done` in the store, and `to_run` for it.
        ahead: what those that are left take.
        missing: cells that it shows and no method of its sweep gives, by the method's label.
        skipped: tasks that are left out because their rows are absent, with the reason.
        trouble: why it cannot be run; None where it can. Where data sets or backbones are absent, it is planned with
            published sizes all the same, and nothing is known to be done.
    """

    artefact: Artefact
    units: int = 0
    shared: int = 0
    done: int = 0
    to_run: int = 0
    ahead: Ahead | None = None
    missing: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()
    trouble: str | None = None


def plan_artefacts(wanted: Sequence[tuple[Artefact, Sweep]]) -> list[PlannedArtefact]:
    """Look at what they would do; one that cannot be run says why, and the others are planned all the same."""
    seen: set[str] = set()
    planned = []
    for artefact, sweep in wanted:
        missing = missing_cells(artefact, axes_of(sweep), [section.title for section in sweep.methods])
        try:
            one, keys = _planned(artefact, sweep, seen, read_catalog(sweep))
        except InputError as error:
            one, keys = _nominal(artefact, sweep, seen, str(error))
        planned.append(replace(one, missing=missing))
        seen |= keys
    return planned


def _nominal(
    artefact: Artefact, sweep: Sweep, seen: Collection[str], trouble: str
) -> tuple[PlannedArtefact, frozenset[str]]:
    """With published sizes, unless something else is wrong."""
    try:
        one, keys = _planned(artefact, sweep, seen, read_catalog(sweep, download=False))
    except InputError:
        return PlannedArtefact(artefact, trouble=trouble), frozenset()
    return replace(one, trouble=trouble), keys


def _planned(
    artefact: Artefact, sweep: Sweep, seen: Collection[str], catalog: Catalog
) -> tuple[PlannedArtefact, frozenset[str]]:
    store = Store(sweep.storage)
    plan = plan_from(sweep, store, catalog)
    keys = frozenset(plan.units)
    costs = Costs.in_store(plan, store)
    plan = within_memory(plan, costs, store)
    shared = sum(key in seen for key in keys)
    done = sum(key in plan.done and key not in seen for key in keys)
    one = PlannedArtefact(
        artefact=artefact,
        units=len(keys),
        shared=shared,
        done=done,
        to_run=len(keys) - shared - done,
        ahead=work_ahead(replace(plan, stacks=_without(plan, seen)), costs),
        skipped=plan.skipped,
    )
    return one, keys


def _without(plan: Plan, seen: Collection[str]) -> tuple[Stack, ...]:
    """The stacks without members that are done by then."""
    narrowed = (
        replace(stack, members=tuple(unit for unit in stack.members if unit.key not in seen)) for stack in plan.stacks
    )
    return tuple(stack for stack in narrowed if stack.todo)
