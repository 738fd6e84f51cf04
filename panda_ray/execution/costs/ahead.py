"""What is left of a plan: time, device-hours and price by stage, and what these numbers are known from."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.samples import Device
from panda_ray.execution.costs.speeds import Basis
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.states import stage_of
from panda_ray.sweep import Sweep


@dataclass(frozen=True)
class Ahead:
    """Work that is left, all stacks one after the other.

    Attributes:
        sweep: says what hours cost.
        by_stage: seconds per stage; a stack that serves several stages is divided evenly over its members.
        by_basis: the same seconds by what they are known from.
        device: what they hold for.
        devices_per_stack: GPUs, or CPU cores where the device is a CPU.
    """

    sweep: Sweep
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
        hour = self.sweep.prices.gpu_hour if self.device.is_gpu else self.sweep.prices.cpu_hour
        return None if hour is None else self.hours(self.seconds) * hour


def work_ahead(plan: Plan, costs: Costs) -> Ahead:
    """Estimate every stack that is left, blocked units included."""
    by_stage: dict[str, float] = defaultdict(float)
    by_basis: dict[Basis, float] = defaultdict(float)
    for stack in plan.stacks:
        estimate = costs.seconds(stack)
        by_basis[estimate.basis] += estimate.seconds
        members = Counter(stage_of(plan, unit.key) for unit in stack.todo)
        for stage, count in members.items():
            by_stage[stage] += estimate.seconds * count / members.total()
    resources = plan.sweep.resources
    per_stack = (resources.gpus_per_stack or 1.0) if costs.device.is_gpu else resources.cpus_per_stack
    return Ahead(plan.sweep, dict(by_stage), dict(by_basis), costs.device, per_stack)
