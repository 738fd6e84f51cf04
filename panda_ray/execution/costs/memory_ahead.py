"""What the stacks that are left take of a GPU's memory, and how many members would fit into it."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.backbones import backbone_weights
from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.stack_memory import Hardware, Memory, readable, stack_memory
from panda_ray.execution.planning.footprints import trains_of
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.planning.states import stage_of
from panda_ray.methods import get_method
from panda_ray.sweep import ResourceSection, Sweep

GIB = 1 << 30
_WIDEST = 4096
"""Members beyond which nobody asks."""


@dataclass(frozen=True)
class StageMemory:
    """The stack of a stage, of those on one backbone, that takes the most.

    Attributes:
        task: that it trains on.
        members: of the stack.
        memory: that it takes.
        fitting: members of such a stack that fit into the memory of its GPU; None where the sweep does not say it.
    """

    backbone: str
    stage: str
    task: str
    members: int
    memory: Memory
    fitting: int | None


def memory_ahead(plan: Plan, costs: Costs) -> list[StageMemory]:
    """One for each backbone and stage that trains, in the order of the plan.

    Raises:
        InputError: a training does not fit into the memory that the sweep names, alone in its stack.
    """
    room, expected = room_of(plan.sweep.resources), _Expected(plan.sweep, costs)
    largest: dict[tuple[str, str], tuple[Stack, Memory]] = {}
    for stack in plan.stacks:
        if stack.members[0].config is None:
            continue
        memory = expected.of(stack, len(stack.members))
        if room is not None and memory.total > room and (alone := expected.of(stack, 1)).total > room:
            raise _too_large(stack, alone, room)
        stage = stack.members[0].backbone.name, stage_of(plan, stack.todo[0].key)
        if stage not in largest or largest[stage][1].total < memory.total:
            largest[stage] = stack, memory
    return [
        StageMemory(
            *stage,
            task=stack.members[0].task,
            members=len(stack.members),
            memory=memory,
            fitting=None if room is None else _fitting(stack, expected, room),
        )
        for stage, (stack, memory) in largest.items()
    ]


def room_of(resources: ResourceSection) -> float | None:
    """Bytes that one stack may take of its GPU; None where the sweep does not say it."""
    if resources.gpu_memory_gib is None:
        return None
    return resources.gpu_memory_gib * GIB * min(1.0, resources.gpus_per_stack or 1.0)


class _Expected:
    """What stacks of a sweep take, whatever their width."""

    def __init__(self, sweep: Sweep, costs: Costs) -> None:
        self._costs = costs
        self._weights = {section.name: backbone_weights(section.name, section.path) for section in sweep.backbones}
        is_gpu = costs.device.is_gpu or sweep.resources.gpu_memory_gib is not None
        self._hardware = Hardware(is_gpu, sweep.resources.activation_checkpointing)
        self._known: dict[tuple[object, ...], Memory] = {}

    def of(self, stack: Stack, members: int) -> Memory:
        """What a stack like that takes with so many members, and as many teachers for each."""
        first = stack.members[0]
        assert first.config is not None, "a training has hyper-parameters"
        passes = sum(get_method(unit.method).teacher_passes(len(unit.sources)) for unit in stack.members)
        teachers = -(-passes * members // len(stack.members))
        address = first.backbone.name, first.task, first.config, trains_of(first), members, teachers
        if address not in self._known:
            backbone, task, config, trains, *_ = address
            self._known[address] = stack_memory(
                self._costs.sizes[backbone],
                self._weights[backbone],
                trains,
                self._costs.tasks[backbone, task],
                config,
                self._hardware,
                members,
                teachers,
            )
        return self._known[address]


def _fitting(stack: Stack, expected: _Expected, room: float) -> int:
    """Members that fit, of those that are known to be one at least."""
    most = trains_of(stack.members[0]).most_members or _WIDEST
    fitting = 1
    for step in (1 << bit for bit in reversed(range(_WIDEST.bit_length()))):
        if fitting + step <= most and expected.of(stack, fitting + step).total <= room:
            fitting += step
    return fitting


def _too_large(stack: Stack, alone: Memory, room: float) -> InputError:
    first = stack.members[0]
    return InputError(
        f"resources.gpu_memory_gib: one training of {first.method} -> {first.task} on {first.backbone.name} is "
        f"expected to take {alone}, and has {readable(room)}; lower batch_size or max_len, set "
        "resources.activation_checkpointing: true or training.precision: bf16, or take a larger GPU"
    )
