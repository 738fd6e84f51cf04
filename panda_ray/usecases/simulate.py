"""How long a sweep takes on clusters that one does not have.

It works before any data set is there: published sizes stand in for rows that would have to be downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from panda_ray.choosing.expected import anticipate_choices
from panda_ray.errors import InputError
from panda_ray.execution.costs.ahead import Ahead, work_ahead
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.memory.memory_ahead import StageMemory, memory_ahead
from panda_ray.execution.costs.memory.within_memory import within_memory
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.scheduling.lower_bound import Bound, bound_of
from panda_ray.execution.scheduling.simulation import Simulation, simulate
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


def simulate_sweep(sweep: Sweep, gpus: Sequence[int]) -> Forecast:
    """Run the schedule of what is left against a virtual clock, on each number of GPUs; nothing is downloaded.

    Raises:
        InputError: for GPUs that cannot hold one stack, and what cannot be run.
    """
    per_stack = sweep.resources.gpus_per_stack or 1.0
    too_few = [count for count in gpus if count < per_stack]
    if too_few:
        raise InputError(f"gpus={too_few[0]} cannot hold a stack, which has gpus_per_stack: {per_stack:g}")
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
    plan, begin = within_memory(plan, costs, store), within_memory(begin, costs, store)
    runs = [(count, simulate(begin, int(count / per_stack), costs.expected, steering())) for count in gpus]
    return Forecast(
        catalog, plan, work_ahead(plan, costs), memory_ahead(plan, costs), bound_of(plan, costs.expected), runs
    )
