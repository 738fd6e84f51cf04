"""What stacks take on each kind of worker of a mixed cluster, and which kinds hold them.

A kind on which stacks have been measured has its own speed. Others are compared with one that has, by the `speed` that
the sweep file states for them, or are taken for what is assumed of such a device.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.memory.device_room import Room, room_of_worker
from panda_ray.execution.costs.memory.expected_memory import ExpectedMemory
from panda_ray.execution.costs.samples import CPU, Device, Sample
from panda_ray.execution.costs.speeds import Estimate
from panda_ray.execution.planning.stack import Stack
from panda_ray.sweep import ResourceSection, Sweep
from panda_ray.sweep.resources import CPU_WORKER, WorkerSection


@dataclass(frozen=True)
class Kind:
    """One kind of worker.

    Attributes:
        resources: what a stack occupies there.
        device: what it is, or is taken for.
        hour: price of a GPU or a core for an hour; None where nobody says it.
    """

    name: str
    resources: ResourceSection
    device: Device
    hour: float | None
    _costs: Costs
    _slower: float | None
    """Seconds there per second of the costs, where they are those of another kind."""
    _memory: ExpectedMemory
    _room: Room | None

    def seconds(self, stack: Stack) -> Estimate:
        """How long a stack takes there, start included."""
        known = self._costs.seconds(stack)
        return known if self._slower is None else Estimate(self._slower * known.seconds, "assumed")

    def expected(self, stack: Stack) -> float:
        """The seconds alone, as schedules use them."""
        return self.seconds(stack).seconds

    @property
    def devices_per_stack(self) -> float:
        """GPUs, or cores where it has none."""
        return self.resources.gpus_per_stack if self.device.is_gpu else self.resources.cpus_per_stack

    @property
    def room(self) -> float:
        """Bytes that a stack may take of its GPU; no end where nobody says it."""
        return inf if self._room is None else self._room.bytes * self._room.gpus

    def holds(self, stack: Stack) -> bool:
        """Whether a stack is expected to fit into the memory of its GPU."""
        if self._room is None or stack.members[0].config is None:
            return True
        return self._memory.fitting(stack.members, self._room) >= len(stack.members)


def kinds_of(sweep: Sweep, costs: Costs) -> tuple[Kind, ...]:
    """The kinds of worker that a sweep names, in its order; none where all are alike."""
    sections = sweep.resources.workers
    measured = {section.accelerator: _measured(section, sweep, costs.samples.trainings) for section in sections}
    return tuple(_kind(section, sweep, costs, measured) for section in sections)


def _kind(section: WorkerSection, sweep: Sweep, costs: Costs, measured: dict[str, Device | None]) -> Kind:
    resources = sweep.resources.on(section.accelerator)
    device, slower = measured[section.accelerator], None
    taken_for = device or _assumed(section, resources, sweep)
    known = costs.on(taken_for)
    if device is None and (speed := _speed(section, sweep)) is not None:
        other, its_speed = _standard(sweep, measured)
        known, slower = costs.on(measured[other.accelerator] or _assumed(other, resources, sweep)), its_speed / speed
    prices = sweep.prices
    hour = prices.cpu_hour if section.accelerator == CPU_WORKER else prices.gpu_hour
    return Kind(
        name=section.accelerator,
        resources=resources,
        device=taken_for,
        hour=hour if section.hour is None else section.hour,
        _costs=known,
        _slower=slower,
        _memory=ExpectedMemory(sweep, known),
        _room=room_of_worker(resources),
    )


def _speed(section: WorkerSection, sweep: Sweep) -> float | None:
    """As the sweep file states it: that of the first kind is 1."""
    return 1.0 if section is sweep.resources.workers[0] else section.speed


def _standard(sweep: Sweep, measured: dict[str, Device | None]) -> tuple[WorkerSection, float]:
    """The kind with a stated speed that others are compared with, and that speed: a measured one if there is any."""
    told = [(section, speed) for section in sweep.resources.workers if (speed := _speed(section, sweep)) is not None]
    return next((each for each in told if measured[each[0].accelerator] is not None), told[0])


def _measured(section: WorkerSection, sweep: Sweep, samples: Sequence[Sample]) -> Device | None:
    """The device of a kind on which most stacks were measured; None where none was."""
    precision, threads = sweep.training.precision, _threads(sweep.resources.on(section.accelerator))
    names = Counter(
        sample.device
        for sample in samples
        if sample.device.precision == precision and is_of_kind(sample.device.name, section.accelerator)
    )
    return max(names, key=lambda device: (device.threads == threads, names[device], str(device)), default=None)


def is_of_kind(device: str, accelerator: str) -> bool:
    """Whether a device (`NVIDIA A100-SXM4-80GB`, `cpu`) is of a kind (`A100`, `A100-80G`, `cpu`)."""
    if accelerator == CPU_WORKER:
        return device == CPU
    words = re.split(r"[\s-]+", device.upper())
    name, *details = accelerator.upper().split("-")
    return name in words and all(any(word.startswith(detail) for word in words) for detail in details)


def _assumed(section: WorkerSection, resources: ResourceSection, sweep: Sweep) -> Device:
    """What a kind is taken for while nothing was measured on it."""
    precision = sweep.training.precision
    if section.accelerator == CPU_WORKER:
        return Device(CPU, _threads(resources), precision)
    return Device(section.accelerator, 0, precision)


def _threads(resources: ResourceSection) -> int:
    return max(1, int(resources.cpus_per_stack))
