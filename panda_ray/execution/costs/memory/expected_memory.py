"""What stacks of a sweep are expected to take of a GPU's memory, whatever their width, and how wide they may be.

By arithmetic from sizes (`stack_memory.py`). Where stacks of a backbone have been measured on a GPU, activations are
scaled by how far off it was for them: those of the same task, or else of any. Of several the one that took most counts,
since a stack that is too narrow costs a little time, and one that is too wide all that it has done.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from panda_ray.backbones import backbone_weights
from panda_ray.backbones.placement import spread
from panda_ray.backbones.weights import WIDTHS
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.memory.device_room import Room
from panda_ray.execution.costs.memory.peaks import Peak
from panda_ray.execution.costs.memory.stack_memory import Hardware, Memory, stack_memory
from panda_ray.execution.costs.operations import linear_weights
from panda_ray.execution.costs.workload import TaskSize
from panda_ray.execution.planning.footprints import trains_of
from panda_ray.execution.units.unit import Unit
from panda_ray.methods import get_method
from panda_ray.methods.trains import Trains
from panda_ray.sweep import Sweep
from panda_ray.training.config import TrainConfig

_WIDEST = 4096
"""Members beyond which nobody asks."""


class ExpectedMemory:
    """Memory of a sweep's stacks."""

    def __init__(self, sweep: Sweep, costs: Costs) -> None:
        self._costs = costs
        self._weights = {section.name: backbone_weights(section.name, section.path) for section in sweep.backbones}
        is_gpu = costs.device.is_gpu or sweep.resources.gpu_memory_gib is not None
        self._hardware = Hardware(is_gpu, sweep.resources.activation_checkpointing)
        self._known: dict[tuple[object, ...], Memory] = {}
        self._factors = self._measured(costs.samples.peaks)

    def of(self, units: Sequence[Unit], members: int) -> Memory:
        """What a stack of units like these takes with so many members, and as many teachers for each."""
        passes = sum(map(_teachers, units))
        return self._of(units[0], members, -(-passes * members // len(units)))

    def fitting(self, units: Sequence[Unit], room: Room) -> int:
        """Members of any stack of such units that fit; 0 where not even one does."""
        most, teachers, fitting = trains_of(units[0]).most_members or _WIDEST, max(map(_teachers, units)), 0
        for step in (1 << bit for bit in reversed(range(_WIDEST.bit_length()))):
            wider = fitting + step
            if wider <= most and self._fullest(units[0], wider, wider * teachers, room) <= room.bytes:
                fitting = wider
        return fitting

    def _fullest(self, unit: Unit, members: int, teachers: int, room: Room) -> float:
        """Bytes on the GPU of a stack that holds the most of it."""
        memory = self._of(unit, members, teachers)
        if room.gpus == 1:
            return memory.total
        sizes, weights = self._costs.sizes[unit.backbone.name], self._weights[unit.backbone.name]
        rest = max(0.0, weights.parameters - linear_weights(sizes)) * WIDTHS[weights.type]
        layer = (memory.weights - rest) / sizes.layers
        gpus = spread(rest, [layer] * sizes.layers, [room.bytes] * room.gpus)
        first = rest + memory.trained + memory.teachers
        return max(
            count * (layer + memory.kept / sizes.layers) + memory.passing + (0.0 if gpu else first)
            for gpu, count in Counter(gpus).items()
        )

    def _of(self, unit: Unit, members: int, teachers: int) -> Memory:
        """Of a stack that the unit may be in."""
        config = unit.config
        assert config is not None, "a training has hyper-parameters"
        backbone, task, trains = unit.backbone.name, unit.task, trains_of(unit)
        address = backbone, task, config, trains, members, teachers
        if address not in self._known:
            size = self._costs.tasks[backbone, task]
            memory = self._computed(backbone, size, config, trains, self._hardware, members, teachers)
            factor = self._factors.get((backbone, task), self._factors.get((backbone, None), 1.0))
            self._known[address] = replace(
                memory,
                activations=factor * memory.activations,
                kept=factor * memory.kept,
                passing=factor * memory.passing,
            )
        return self._known[address]

    def _computed(
        self,
        backbone: str,
        size: TaskSize,
        config: TrainConfig,
        trains: Trains,
        hardware: Hardware,
        members: int,
        teachers: int,
    ) -> Memory:
        sizes, weights = self._costs.sizes[backbone], self._weights[backbone]
        return stack_memory(sizes, weights, trains, size, config, hardware, members, teachers)

    def _measured(self, peaks: Sequence[Peak]) -> dict[tuple[str, str | None], float]:
        """Measured over computed activations, by backbone and task, and (None) over all tasks."""
        found: dict[tuple[str, str | None], list[float]] = defaultdict(list)
        for peak in peaks:
            if peak.backbone not in self._weights:
                continue
            hardware = Hardware(is_gpu=True, activation_checkpointing=peak.activation_checkpointing)
            computed = self._computed(
                peak.backbone, peak.size, peak.config, peak.trains, hardware, peak.members, peak.teachers
            )
            stays = computed.total - computed.activations
            for address in ((peak.backbone, peak.task), (peak.backbone, None)):
                found[address].append(max(0.0, peak.measured - stays) / computed.activations)
        return {address: max(factors) for address, factors in found.items()}


def _teachers(unit: Unit) -> int:
    return get_method(unit.method).teacher_passes(len(unit.sources))
