"""Training one stack on several workers: Ray Train groups inside of the Tune trial that the stack is.

The trial only waits for its groups. Train does not start one again, because it cannot tell a lost worker from a stack
that is too wide or a bug, and would wait for ever for a host that is gone. A group that lost workers is followed by one
of as many as there is room for, which continues from the checkpoint in the store: a checkpoint does not know how many
saved it. So is one of whose workers a node is going away.
"""

from __future__ import annotations

import time
from dataclasses import replace

from ray.tune import PlacementGroupFactory

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_group.losses import NoRoomError, UnreachableError, WorkersLostError
from panda_ray.execution.runners.ray_group.one_group import Group, LostGroup, train_group
from panda_ray.execution.runners.ray_leaving.lost_workers import Loss, Losses
from panda_ray.execution.runners.ray_leaving.reasons import Halting
from panda_ray.execution.runners.ray_supply.slot import slot_of
from panda_ray.execution.runners.ray_supply.slots import free_slots
from panda_ray.execution.store.memory_limits import Limit
from panda_ray.sweep import ResourceSection
from panda_ray.training.engine.halting import HaltedError, end_if_asked

WAITING = PlacementGroupFactory([{"memory": 1}])
"""What a trial takes that only waits: one byte, because Ray wants something, and no part of a CPU, because two workers
of one CPU each must fit on a machine that has two."""

_MAX_UNREACHABLE = 2
"""Groups whose workers did not find each other; the next one is a worker alone, which has nobody to find."""

_ROOM_SECONDS = 10.0
"""How long the slots of a group may take to be free again once it has ended."""


def train_on_workers(stack: Stack, limit: Limit | None, group: Group) -> list[Outcome]:
    """Train a stack on `stack.workers` workers, each with the resources of an ordinary stack; for `work.settle`.

    Called in a Tune trial, whose results the reports of the epochs become. Where workers are lost, it goes on with
    those that there is room for, one at the least.

    Args:
        limit: what is known of the memory of such stacks.

    Raises:
        WorkersLostError: again and again.
        HaltedError: the trial itself was asked to stop; its workers have saved.
        InputError, StoreFullError, torch.OutOfMemoryError: as they were raised in a worker.
        TrainingFailedError: any other error of a worker, with its traceback.
    """
    losses, unreachable = Losses(), 0
    wanted = workers = stack.workers
    while True:
        end_if_asked(group.halting.wanted)
        preempted = False
        try:
            return train_group(replace(stack, workers=workers), limit if workers == stack.workers else None, group)
        except NoRoomError as error:
            reason = str(error)
        except UnreachableError as error:
            if workers == 1:  # what cannot be reached then is nobody
                raise
            reason = str(error)
            unreachable += 1
            wanted = 1 if unreachable >= _MAX_UNREACHABLE else wanted
        except HaltedError as error:
            if group.halting.look() is not None:
                raise
            reason, preempted = str(error), True
        except WorkersLostError as error:
            loss = Loss(error.workers)
            reason, preempted = str(error), _judged(loss, group.halting)
            losses.add(loss)
            if losses.left < 0:
                raise
        workers = _room(wanted, group.resources)
        group.on_lost(LostGroup(reason, preempted, workers))


def _judged(loss: Loss, halting: Halting) -> bool:
    """Whether a node took a group's workers along, as soon as Ray knows.

    Raises:
        HaltedError: the trial was asked to stop meanwhile.
    """
    while (preempted := loss.is_preemption()) is None:
        end_if_asked(halting.wanted)
        time.sleep(1)
    return preempted


def _room(wanted: int, resources: ResourceSection) -> int:
    """For how many workers there is room now, one at the least: Ray waits for that one."""
    deadline = time.monotonic() + _ROOM_SECONDS
    while (free := free_slots(slot_of(resources))) < wanted:
        if time.monotonic() > deadline:
            return max(1, free)
        time.sleep(1)
    return wanted
