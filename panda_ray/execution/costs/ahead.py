"""What is left of a plan: time, device-hours and price by stage, and what these numbers are known from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.kinds import kinds_of
from panda_ray.execution.costs.samples import Device
from panda_ray.execution.costs.speeds import Basis, Estimate
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.planning.states import stage_of
from panda_ray.sweep import ResourceSection


@dataclass(frozen=True)
class Ahead:
    """Work that is left, all stacks one after the other.

    Attributes:
        currency, hour: what an hour of one device costs; None where nobody says it.
        by_stage: seconds per stage; a stack that serves several stages is divided evenly over its members.
        by_basis: the same seconds by what they are known from.
        device: what they hold for.
        devices_per_stack: GPUs, or CPU cores where the device is a CPU.
    """

    currency: str
    hour: float | None
    by_stage: dict[str, float]
    by_basis: dict[Basis, float]
    device: Device
    devices_per_stack: float

    @property
    def seconds(self) -> float:
        return sum(self.by_basis.values())

    @property
    def processor(self) -> str:
        """What hours are counted of."""
        return "GPU" if self.device.is_gpu else "CPU"

    def hours(self, seconds: float) -> float:
        """Device-hours of so many seconds of stacks."""
        return seconds * self.devices_per_stack / 3600

    @property
    def price(self) -> float | None:
        """Of everything that is left, in the currency of the sweep; None where no price is given for the device."""
        return None if self.hour is None else self.hours(self.seconds) * self.hour


def work_ahead(plan: Plan, costs: Costs) -> Ahead:
    """Estimate every stack that is left, blocked units included; of several kinds of worker, all of it on the first."""
    if plan.sweep.resources.workers:
        return work_by_kind(plan, costs)[0][1]
    prices = plan.sweep.prices
    hour = prices.gpu_hour if costs.device.is_gpu else prices.cpu_hour
    return _ahead(plan, costs.seconds, costs.device, hour, plan.sweep.resources)


def work_by_kind(plan: Plan, costs: Costs) -> list[tuple[str, Ahead]]:
    """Each kind of worker, and what is left if all of it ran there."""
    return [
        (kind.name, _ahead(plan, kind.seconds, kind.device, kind.hour, kind.resources))
        for kind in kinds_of(plan.sweep, costs)
    ]


def _ahead(
    plan: Plan,
    seconds: Callable[[Stack], Estimate],
    device: Device,
    hour: float | None,
    resources: ResourceSection,
) -> Ahead:
    by_stage: dict[str, float] = defaultdict(float)
    by_basis: dict[Basis, float] = defaultdict(float)
    for stack in plan.stacks:
        estimate = seconds(stack)
        by_basis[estimate.basis] += estimate.seconds
        members = Counter(stage_of(plan, unit.key) for unit in stack.todo)
        for stage, count in members.items():
            by_stage[stage] += estimate.seconds * count / members.total()
    per_stack = (resources.gpus_per_stack or 1.0) if device.is_gpu else resources.cpus_per_stack
    return Ahead(plan.sweep.prices.currency, hour, dict(by_stage), dict(by_basis), device, per_stack)
