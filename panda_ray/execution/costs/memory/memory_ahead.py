"""What the stacks that are left take of a GPU's memory, and how many members would fit into it."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.memory.device_room import room_of
from panda_ray.execution.costs.memory.expected_memory import ExpectedMemory
from panda_ray.execution.costs.memory.stack_memory import Memory
from panda_ray.execution.planning.packing import widest
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.planning.states import stage_of


@dataclass(frozen=True)
class StageMemory:
    """The stack of a stage, of those on one backbone, that takes the most.

    Attributes:
        task: that it trains on.
        members: of the stack.
        wanted: members that such a stack may have, were memory no limit.
        memory: that it takes.
        fitting: members of such a stack that fit into its GPUs; None where nobody says what memory they have.
        gpus: that it is spread over.
    """

    backbone: str
    stage: str
    task: str
    members: int
    wanted: int
    memory: Memory
    fitting: int | None
    gpus: int


def memory_ahead(plan: Plan, costs: Costs) -> list[StageMemory]:
    """One for each backbone and stage that trains, in the order of the plan."""
    room, expected = room_of(plan.sweep.resources), ExpectedMemory(plan.sweep, costs)
    largest: dict[tuple[str, str], tuple[Stack, Memory]] = {}
    for stack in plan.stacks:
        if stack.members[0].config is None:
            continue
        memory = expected.of(stack.members, len(stack.members))
        stage = stack.members[0].backbone.name, stage_of(plan, stack.todo[0].key)
        if stage not in largest or largest[stage][1].total < memory.total:
            largest[stage] = stack, memory
    return [
        StageMemory(
            *stage,
            task=stack.members[0].task,
            members=len(stack.members),
            wanted=widest(stack.members[0], plan.sweep.resources.max_stack, {}) or 1,
            memory=memory,
            fitting=None if room is None else expected.fitting(stack.members, room),
            gpus=1 if room is None else room.gpus,
        )
        for stage, (stack, memory) in largest.items()
    ]
