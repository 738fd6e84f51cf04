"""Running one stack, whatever it holds and wherever: what fails a member, what fails the stack, and what halves it.

A member's own input or numbers fail that member. Data or a backbone that nothing can use fails the stack's members,
and so does a full disk of the machine that is not the store's.
Anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.footprints import footprint_of
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.files.files import FULL, StoreFullError
from panda_ray.execution.store.memory_limits import PLAIN, Limit, Placement
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.embeddings import compute_embeddings
from panda_ray.execution.work.host import this_host
from panda_ray.execution.work.members import train_members
from panda_ray.execution.work.memory import noted
from panda_ray.execution.work.publishing import fail_all
from panda_ray.execution.work.workspace import Workspace
from panda_ray.foreign_text import one_line
from panda_ray.training.engine.epoch_report import OnEpoch
from panda_ray.training.engine.halting import Halt, never

Run = Callable[[Stack, Limit | None], list[Outcome]]
"""What trains or computes the members of a stack; told what is known of the memory that such a stack takes."""


def run_stack(
    stack: Stack, store: Store, workspace: Workspace, on_epoch: OnEpoch = lambda _: None, halt: Halt = never
) -> list[Outcome]:
    """Run the members of a stack that have no result yet in this process, however many workers it may have.

    Returns and raises what `settle` does.

    Args:
        halt: whether a training should save and stop for now.
    """
    placement = workspace.settings.placement
    return settle(stack, store, lambda part, limit: _run(part, limit, store, workspace, on_epoch, halt), placement)


def settle(stack: Stack, store: Store, run: Run, placement: Placement = PLAIN) -> list[Outcome]:
    """Run the members of a stack that have no result yet; one outcome for each that had none when it was planned.

    What another driver is at work on is left to it; a stack that has a checkpoint, and so must keep its shape, waits
    for all of its members. A stack that does not fit into the device's memory is halved and goes on; stacks that are
    known to be too wide are halved at once.

    Args:
        run: where a training notes whether it fits (`memory.noted`).
        placement: under which it runs.

    Raises:
        HaltedError: it stopped for now, and goes on from its checkpoint wherever it is run again.
        StoreFullError: when there is no room for results or checkpoints; what was published before stays.
    """
    if not stack.todo:
        return _settle(stack, store, run, placement)
    keys = [unit.key for unit in stack.todo]
    with store.leases.take(stack.id, keys) as lease:
        held = [key for key in keys if key not in lease.members]
        if len(held) == len(keys) or (held and stack.continued):
            return [Outcome(key, "held") for key in keys]
        left = tuple(unit for unit in stack.members if unit.key not in held)
        return [Outcome(key, "held") for key in held] + _settle(replace(stack, members=left), store, run, placement)


def _settle(stack: Stack, store: Store, run: Run, placement: Placement) -> list[Outcome]:
    """`settle` for members that nobody else works on."""
    done = store.done_among(unit.key for unit in stack.todo)
    published = [unit.key for unit in stack.todo if unit.key in done]
    outcomes = [Outcome(key, "done") for key in published]  # by another driver, or by a worker that died
    stack = _without(stack, published, store)
    if not stack.todo:
        store.checkpoints.of(stack.keys).remove()
        return outcomes
    footprint, width = footprint_of(stack), len(stack.members)
    limit = None if footprint is None else store.limits.on(placement).of(footprint)
    if limit is not None and width > limit.width:
        return outcomes + _settle_halves(stack, store, run, placement)
    try:
        return outcomes + run(stack, limit)
    except StoreFullError:
        raise
    except (InputError, OSError) as error:
        return outcomes + fail_all(store, stack.todo, _mendable(error), traceback.format_exc())
    except torch.OutOfMemoryError as error:
        if width == 1:
            return outcomes + fail_all(store, stack.todo, str(error), traceback.format_exc())
    # Outside of the handler: an exception keeps the frames, and so the tensors, of the stack that did not fit.
    torch.cuda.empty_cache()
    return outcomes + _settle_halves(stack, store, run, placement)


def _mendable(error: InputError | OSError) -> str:
    """What a person reads who can mend it.

    Raises:
        OSError: it is a bug, and no full disk.
    """
    if isinstance(error, InputError):
        return str(error)
    if error.errno not in FULL:
        raise error
    return f"no space left on a disk of {this_host()} ({one_line(str(error))}); free some there and run it again"


def _without(stack: Stack, published: Sequence[str], store: Store) -> Stack:
    """A stack that does not publish these members, nor trains them where that does not change a shape it began with."""
    stack = replace(stack, done=stack.done.union(published))
    if not published or not stack.todo or stack.continued or store.checkpoints.of(stack.keys).load() is not None:
        return stack
    return replace(stack, members=stack.todo)


def _settle_halves(stack: Stack, store: Store, run: Run, placement: Placement) -> list[Outcome]:
    """Run both halves of a stack that is too wide; its checkpoint is of no use to them."""
    store.checkpoints.of(stack.keys).remove()
    return [outcome for half in halves(stack) for outcome in _settle(half, store, run, placement)]


def halves(stack: Stack) -> list[Stack]:
    """The two halves of a stack, without one that has nothing to do."""
    middle = len(stack.members) // 2
    parts = (replace(stack, members=members) for members in (stack.members[:middle], stack.members[middle:]))
    return [part for part in parts if part.todo]


def _run(
    stack: Stack, limit: Limit | None, store: Store, workspace: Workspace, on_epoch: OnEpoch, halt: Halt
) -> list[Outcome]:
    with workspace.threads():
        if stack.members[0].product == "embedding":
            return compute_embeddings(stack, store, workspace)
        with noted(stack, store.limits.on(workspace.settings.placement), limit):
            return train_members(stack, store, workspace, on_epoch, halt)
