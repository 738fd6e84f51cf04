"""How long a sweep takes on clusters that one does not have.

It works before any data set is there: published sizes stand in for rows that would have to be downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from panda_ray.choosing.expected import anticipate_choices
from panda_ray.errors import InputError, unknown_name
from panda_ray.execution.costs.ahead import Ahead, work_ahead, work_by_kind
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.kinds import kinds_of
from panda_ray.execution.costs.memory.memory_ahead import StageMemory, memory_ahead
from panda_ray.execution.costs.memory.within_memory import within_memory
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.scheduling.lower_bound import Bound, bound_of
from panda_ray.execution.scheduling.simulation import Simulation, simulate, simulate_fleet
from panda_ray.execution.steering import FIXED_PLAN, Steering
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog, read_catalog
from panda_ray.search.anticipated import anticipate
from panda_ray.sweep import Sweep


@dataclass(frozen=True)
class Forecast:
    """A sweep on clusters of several sizes.

    Attributes:
        catalog: its inputs, of which some may be nominal.
        memory: what the largest stacks take of a device's memory.
        bound: what no schedule undercuts.
        runs: number of GPUs, and how the sweep goes on so many.
    """

    catalog: Catalog
    plan: Plan
    ahead: Ahead
    memory: Sequence[StageMemory]
    bound: Bound
    runs: Sequence[tuple[int, Simulation]]

    def above_bound(self, run: Simulation) -> float:
        """The share by which a makespan exceeds the larger of critical path and work divided by GPUs."""
        return run.makespan / self.bound.seconds(run.slots) - 1 if run.ran else 0.0


@dataclass(frozen=True)
class FleetForecast:
    """A sweep on workers of several kinds.

    Attributes:
        catalog: its inputs, of which some may be nominal.
        devices: GPUs of each kind, or cores of `cpu`.
        by_kind: each kind, and what all that is left would take there.
    """

    catalog: Catalog
    plan: Plan
    devices: Mapping[str, int]
    by_kind: Mapping[str, Ahead]
    run: Simulation

    def busy(self, accelerator: str) -> float:
        """Seconds that stacks of a kind took, one after the other."""
        return sum(one.end - one.start for one in self.run.ran if one.stack.accelerator == accelerator)

    def price(self, accelerator: str) -> float | None:
        """Of that time; None where nobody says what an hour costs."""
        ahead = self.by_kind[accelerator]
        return None if ahead.hour is None else ahead.hours(self.busy(accelerator)) * ahead.hour

    def stacks(self, accelerator: str) -> int:
        """How many ran there."""
        return sum(one.stack.accelerator == accelerator for one in self.run.ran)


def simulate_sweep(sweep: Sweep, gpus: Sequence[int]) -> Forecast:
    """Run the schedule of what is left against a virtual clock, on each number of GPUs; nothing is downloaded.

    Raises:
        InputError: for GPUs that cannot hold one stack, and what cannot be run.
    """
    per_stack = sweep.resources.gpus_per_stack or 1.0
    too_few = [count for count in gpus if count < per_stack]
    if too_few:
        raise InputError(f"gpus={too_few[0]} cannot hold a stack, which has gpus_per_stack: {per_stack:g}")
    at = _begin(sweep)
    runs = [(count, simulate(at.begin, int(count / per_stack), at.costs.expected, at.steering())) for count in gpus]
    plan, costs = at.plan, at.costs
    memory, bound = memory_ahead(plan, costs), bound_of(plan, costs.expected)
    return Forecast(at.catalog, plan, work_ahead(plan, costs), memory, bound, runs)


def simulate_on_kinds(sweep: Sweep, devices: Mapping[str, int]) -> FleetForecast:
    """Likewise, on so many GPUs (cores of `cpu`) of each kind of worker together.

    Raises:
        InputError: for kinds that the sweep does not name, devices that hold no stack, and what cannot be run.
    """
    resources = sweep.resources
    for kind in devices:
        if kind not in resources.kinds:
            raise unknown_name("accelerator", kind, resources.kinds, "--simulate")
    at = _begin(sweep)
    kinds = [kind for kind in kinds_of(sweep, at.costs) if kind.name in devices]
    slots = {kind.name: int(devices[kind.name] / kind.devices_per_stack) for kind in kinds}
    for each in kinds:
        if not slots[each.name]:
            per_stack = f"{each.devices_per_stack:g}"
            raise InputError(f"{each.name}={devices[each.name]} cannot hold a stack, which takes {per_stack} there")
    run = simulate_fleet(at.begin, slots, kinds, at.costs.expected, at.steering())
    return FleetForecast(at.catalog, at.plan, devices, dict(work_by_kind(at.plan, at.costs)), run)


@dataclass(frozen=True)
class _Begin:
    """Where simulations of a sweep start: `begin` is the part of the plan that is known by then."""

    catalog: Catalog
    plan: Plan
    begin: Plan
    steering: Callable[[], Steering]
    costs: Costs


def _begin(sweep: Sweep) -> _Begin:
    store, catalog = Store(sweep.storage), read_catalog(sweep, download=False)
    plan = plan_from(sweep, store, catalog)
    begin: Plan = plan
    steering: Callable[[], Steering] = lambda: FIXED_PLAN  # noqa: E731
    if sweep.search is not None:
        plan = begin = anticipate(plan, catalog, store).plan
    elif plan.chosen_by:
        choices = anticipate_choices(plan, catalog, store)
        plan, begin, steering = choices.plan, choices.chooser.plan, choices.steering
    costs = Costs.of(plan, (record for _, record in store.records()))
    return _Begin(catalog, within_memory(plan, costs, store), within_memory(begin, costs, store), steering, costs)
