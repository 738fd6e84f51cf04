"""What a sweep wants, what of it exists, and what running it would take; nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panda_ray.choosing.expected import Anticipated as AnticipatedChoices
from panda_ray.choosing.expected import anticipate_choices, seconds_of_all
from panda_ray.execution.costs.ahead import Ahead, work_ahead, work_by_kind
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.memory.memory_ahead import StageMemory, memory_ahead
from panda_ray.execution.costs.memory.within_memory import within_memory
from panda_ray.execution.planning.changes import Change, invalidated
from panda_ray.execution.planning.footprints import footprint_of
from panda_ray.execution.planning.lending import lent, without
from panda_ray.execution.planning.packing import widest
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.planning.settings import Setting, settings_of, unused_choices
from panda_ray.execution.planning.states import State, stages, states_of
from panda_ray.execution.planning.unjudged import Unjudged, unjudged
from panda_ray.execution.store.memory_limits import Limit
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.search.anticipated import Anticipated, anticipate
from panda_ray.sweep import Sweep
from panda_ray.usecases.shared_prompts.taking import check_imported, origin_of


@dataclass(frozen=True)
class Outlook:
    """A sweep before it runs.

    Attributes:
        stages: units by state, per stage: `waiting` ones will be computed by the next run; `blocked` ones too, but only
            if the unit that failed before them now succeeds.
        ahead: what all stacks that are left take, blocked units included.
        by_kind: likewise of each kind of worker that the sweep names, as if all ran there.
        memory: what the largest of them take of a device's memory.
        taken: units that `prompts` has; they count as done.
        narrowed: what keeps stacks narrower than the sweep file does.
        settings: the hyper-parameters of its trainings.
        unused_choices: cells of its tuned file that the sweep has not.
        unjudged: metrics of its list that are not defined for all pairs.
        changed: settings under which stored units do not count any more, and how many units each makes anew.
        search: what it will ask for, where the sweep is one.
        choices: what its metrics will choose, where they choose sources.
        seconds_of_all: what would be left if they did not.
        least_seconds: of all stacks of a search, if its pruner ended every trial as early as it may.
    """

    plan: Plan
    storage: str
    stages: Mapping[str, Counter[State]]
    ahead: Ahead
    by_kind: Sequence[tuple[str, Ahead]]
    memory: Sequence[StageMemory]
    taken: frozenset[str]
    narrowed: tuple[Limit, ...]
    settings: Sequence[Setting]
    unused_choices: int
    unjudged: Sequence[Unjudged]
    changed: Mapping[Change, int]
    search: Anticipated | None
    choices: AnticipatedChoices | None
    seconds_of_all: float | None
    least_seconds: float | None

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Per stage, its units: `total`, `done`, `to_run` and `blocked`."""
        by_stage = {}
        for name, states in self.stages.items():
            total, done, blocked = states.total(), states["done"], states["blocked"]
            by_stage[name] = {"total": total, "done": done, "to_run": total - done - blocked, "blocked": blocked}
        return by_stage


def plan_sweep(sweep: Sweep) -> Outlook:
    """Look at what a sweep would do.

    Raises:
        InputError: for what cannot be run, or does not fit into the memory that the sweep names.
    """
    store = Store(sweep.storage)
    catalog = read_catalog(sweep)
    plan = plan_from(sweep, store, catalog)
    taken = lent(plan, origin) if (origin := origin_of(sweep)) is not None else frozenset()
    check_imported(plan, taken)
    plan = without(plan, taken)
    search = None if sweep.search is None else anticipate(plan, catalog, store)
    choices = anticipate_choices(plan, catalog, store) if plan.chosen_by else None
    plan = grows.plan if (grows := search or choices) is not None else plan
    records = [record for _, record in store.records()] if plan.stacks else []
    costs = Costs.of(plan, records)
    plan = within_memory(plan, costs, store)
    settings = settings_of(plan)
    states = states_of(plan, running=(), failed=store.failures.among(set(plan.units)))
    return Outlook(
        plan=plan,
        storage=store.url,
        stages=stages(plan, states),
        ahead=work_ahead(plan, costs),
        by_kind=work_by_kind(plan, costs),
        memory=memory_ahead(plan, costs),
        taken=taken,
        narrowed=_narrowing(plan),
        settings=settings,
        unused_choices=unused_choices(plan, settings),
        unjudged=unjudged(plan),
        changed=invalidated(plan, records) if search is None else {},
        search=search,
        choices=choices,
        seconds_of_all=None if choices is None else seconds_of_all(plan, catalog, store, costs),
        least_seconds=None if search is None else search.least_seconds(costs),
    )


def _narrowing(plan: Plan) -> tuple[Limit, ...]:
    """The limits of memory that stacks which are left are packed by."""
    if not plan.limits:
        return ()
    found: dict[Limit, None] = {}
    for stack in plan.stacks:
        footprint = footprint_of(stack)
        limit = plan.limits.get(footprint) if footprint is not None else None
        wanted = widest(stack.members[0], plan.sweep.resources.max_stack, {})
        if limit is not None and wanted is not None and limit.width < wanted:
            found[limit] = None
    return tuple(found)
