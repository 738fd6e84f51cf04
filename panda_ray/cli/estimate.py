"""What is left of a plan: time, device-hours and price by stage, and what these numbers are known from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from panda_ray.cli.states import stage_of

if TYPE_CHECKING:
    from panda_ray.execution.costs.costs import Costs
    from panda_ray.execution.costs.samples import Device
    from panda_ray.execution.costs.speeds import Basis
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.sweep import Sweep

_KNOWN_FROM: Mapping[Basis, str] = {
    "measured": "measured",
    "extrapolated": "extrapolated by operation count",
    "assumed": "assumed, because nothing was measured there",
}


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
    def kind(self) -> str:
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

    def stage_as_json(self, stage: str) -> dict[str, float]:
        """What one stage takes, rounded."""
        seconds = self.by_stage.get(stage, 0.0)
        return {"seconds": round(seconds, 1), "hours": round(self.hours(seconds), 4)}

    def as_json(self) -> dict[str, Any]:
        """Rounded, as JSON data; `shares` says how much of the seconds each basis gives."""
        total = self.seconds
        return {
            "device": str(self.device),
            "hours_of": self.kind,
            "seconds": round(total, 1),
            "hours": round(self.hours(total), 4),
            "price": None if self.price is None else round(self.price, 2),
            "currency": self.sweep.prices.currency,
            "shares": {basis: round(seconds / total, 4) for basis, seconds in self.by_basis.items()} if total else {},
        }


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


def summary(ahead: Ahead, stacks: int) -> list[str]:
    """Time, hours and price of everything, and what they are known from, in two lines for people."""
    cost = "" if ahead.price is None else f", {ahead.price:,.2f} {ahead.sweep.prices.currency}"
    amount = f"{hours(ahead.hours(ahead.seconds))} {ahead.kind}-hours on {ahead.device}{cost}"
    return [
        f"{stacks} stacks to run, about {duration(ahead.seconds)} one after the other: {amount}",
        f"of that time {', '.join(_shares(ahead))}",
    ]


def hours(value: float) -> str:
    """Device-hours for people, with two significant digits below ten."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """Seconds for people: `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _shares(ahead: Ahead) -> list[str]:
    return [
        f"{100 * ahead.by_basis[basis] / ahead.seconds:.0f} % {known}"
        for basis, known in _KNOWN_FROM.items()
        if ahead.by_basis.get(basis)
    ]
