"""A plan whose stacks should fit into the memory of a GPU: what would be too wide is cut before it is tried.

What is expected of a stack gets better with what was measured, so that the stacks which an interrupted run did not
reach may have another width when it goes on, where memory is what limits them.
"""

from __future__ import annotations

from dataclasses import replace

from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.memory.device_room import Room, room_of
from panda_ray.execution.costs.memory.expected_memory import ExpectedMemory
from panda_ray.execution.costs.memory.stack_memory import readable
from panda_ray.execution.planning.footprints import footprint_of
from panda_ray.execution.planning.plan import Plan, packed_anew
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.unit import Unit
from panda_ray.sweep import Sweep

_MOST_GPUS = 8
"""Of one machine, and so of one stack: workers on several machines share no layers."""


def within_memory(plan: Plan, costs: Costs, store: Store) -> Plan:
    """The plan with stacks, and later ones, that are expected to fit; the same one where nobody says into what.

    What a store knows of widths that did not fit outweighs what is expected, and a stack with a checkpoint goes on as
    it is.

    Raises:
        InputError: a training is not expected to fit even alone in its stack. What a search asks for later is tried.
    """
    room = room_of(plan.sweep.resources)
    if room is None:
        return plan
    expected = ExpectedMemory(plan.sweep, costs)

    for stack in plan.stacks:
        first = stack.members[0]
        if first.config is None or stack.continued or footprint_of(stack) in plan.limits:
            continue
        if not expected.fitting(stack.members, room):
            raise _too_large(first, plan.sweep, expected, room)
    return packed_anew(replace(plan, fits=lambda units: max(1, expected.fitting(units, room))), store)


def _too_large(unit: Unit, sweep: Sweep, expected: ExpectedMemory, room: Room) -> InputError:
    assert unit.config is not None, "a training has hyper-parameters"
    has = readable(room.bytes) if room.gpus == 1 else f"{room.gpus} GPUs of {readable(room.bytes)}"
    more = (gpus for gpus in range(room.gpus + 1, _MOST_GPUS + 1) if expected.fitting([unit], replace(room, gpus=gpus)))
    enough = next(more, None)
    remedies = [
        "lower batch_size or max_len",
        *([] if sweep.resources.activation_checkpointing else ["set resources.activation_checkpointing: true"]),
        *([] if unit.config.precision == "bf16" else ["set training.precision: bf16"]),
        *([] if enough is None else [f"spread the backbone over GPUs with resources.gpus_per_stack: {enough}"]),
    ]
    return InputError(
        f"resources.gpu_memory_gib: one training of {unit.method} -> {unit.task} on {unit.backbone.name} is "
        f"expected to take {expected.of([unit], 1)}, and has {has}; {', '.join(remedies)}, or take larger GPUs"
    )
