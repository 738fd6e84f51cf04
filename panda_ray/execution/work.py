"""Running one stack, whatever it holds: what fails a member, what fails the stack, and what halves it.

A member's own input or numbers fail that member. Data or a backbone that nothing can use fails the stack's members.
Anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace

import torch

from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome
from panda_ray.execution.files import StoreFullError
from panda_ray.execution.members import train_members
from panda_ray.execution.publishing import fail_all
from panda_ray.execution.signing import compute_signatures
from panda_ray.execution.stack import Stack
from panda_ray.execution.store import Store
from panda_ray.execution.workspace import Workspace
from panda_ray.training.stacked import EpochReport


def run_stack(
    stack: Stack, store: Store, workspace: Workspace, on_epoch: Callable[[EpochReport], None] = lambda _: None
) -> list[Outcome]:
    """Run the members of a stack that have no result yet; one outcome for each that had none when it was planned.

    Out of device memory halves the stack and goes on.

    Raises:
        StoreFullError: when there is no room for results or checkpoints; what was published before stays.
    """
    published = [unit.key for unit in stack.todo if store.is_done(unit.key)]
    outcomes = [Outcome(key, "done") for key in published]  # by another driver, or by a worker that died
    stack = replace(stack, done=stack.done.union(published))
    if not stack.todo:
        store.checkpoints.of(stack).remove()
        return outcomes
    try:
        with workspace.threads():
            return outcomes + _run(stack, store, workspace, on_epoch)
    except StoreFullError:
        raise
    except InputError as error:
        return outcomes + fail_all(store, stack.todo, str(error), traceback.format_exc())
    except torch.OutOfMemoryError as error:
        if len(stack.members) == 1:
            return outcomes + fail_all(store, stack.todo, str(error), traceback.format_exc())
    # Outside of the handler: an exception keeps the frames, and so the tensors, of the stack that did not fit.
    torch.cuda.empty_cache()
    store.checkpoints.of(stack).remove()
    for half in halves(stack):
        outcomes += run_stack(half, store, workspace, on_epoch)
    return outcomes


def halves(stack: Stack) -> list[Stack]:
    """The two halves of a stack, without one that has nothing to do."""
    middle = len(stack.members) // 2
    parts = (Stack(members, stack.done) for members in (stack.members[:middle], stack.members[middle:]))
    return [part for part in parts if part.todo]


def _run(stack: Stack, store: Store, workspace: Workspace, on_epoch: Callable[[EpochReport], None]) -> list[Outcome]:
    if stack.members[0].kind == "signature":
        return compute_signatures(stack, store, workspace)
    return train_members(stack, store, workspace, on_epoch)
