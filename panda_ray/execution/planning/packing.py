"""Which units train together. Deterministic: it depends on what is wanted and what is stored, never on timing.

(A schedule that knows its slots may still cut a stack of new members when it starts it, see `scheduling/allotment.py`.)

Units may share a stack when everything is equal that one forward pass shares: backbone, data, hyper-parameters (but
for the learning rate and the initialisation, which are a member's own), what is trained, and depth in the graph.

A stack that has a checkpoint comes back exactly as it was, finished members included, because floating-point sums
depend on the shape of the batch: it then ends bit-equal to a run that was never interrupted. All other stacks hold
only units without a result, so that extending a sweep runs nothing twice. They are cut from everything that is wanted,
done or not, so that the stacks that an interrupted run did not reach are those that it would have run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from panda_ray.execution.planning.footprints import footprint_of_training, trains_of
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.memory_limits import Footprint, Limit
from panda_ray.execution.units.unit import Unit
from panda_ray.training.config import TrainConfig

AUTO_EXAMPLES = 256
"""Examples per step of a stack at the most under `max_stack: auto`: 16 members of batch size 16. It is a constant, not
a measurement, because the shape of a stack must not depend on the machine. Only memory makes stacks narrower: what did
not fit, which the store remembers, and what is not expected to fit where somebody says into what."""

Fits = Callable[[Sequence[Unit]], int | None]
"""Members of a stack of such units that are expected to fit into memory; None where nobody knows."""


def anything_fits(_units: Sequence[Unit]) -> None:
    """Of memory that nobody has described."""


def pack(
    units: Mapping[str, Unit],
    depth_of: Mapping[str, int],
    done: Collection[str],
    checkpointed: Mapping[str, Sequence[str]],
    max_stack: int | Literal["auto"],
    limits: Mapping[Footprint, Limit],
    fits: Fits = anything_fits,
) -> tuple[Stack, ...]:
    """Stacks that hold every unit that is not done once, in the order in which they should run.

    Args:
        units: by key, a unit after its dependencies.
        depth_of: length of the longest way to a unit that depends on nothing.
        checkpointed: members of the stacks that have a checkpoint, by stack id.
        limits: widths that memory allows, where some width did not fit.
        fits: asked where none did, of units that may share a stack and are not all done.
    """
    stacks = _adopted(units, done, checkpointed, max_stack, limits)
    settled = {*done, *(unit.key for stack in stacks for unit in stack.members)}
    groups: dict[tuple[Any, ...], list[Unit]] = defaultdict(list)
    for key, unit in units.items():
        groups[(*shared(unit), depth_of[key])].append(unit)
    for group in groups.values():
        if not all(unit.key in settled for unit in group):
            stacks.extend(_fresh(group, settled, _widest_new(group, max_stack, limits, fits)))
    position = {key: index for index, key in enumerate(units)}
    return tuple(sorted(stacks, key=lambda stack: _place(stack, depth_of, position)))


def depths(units: Mapping[str, Unit]) -> dict[str, int]:
    """Length of the longest way to each unit from one that depends on none of these."""
    depths: dict[str, int] = {}
    for key, unit in units.items():
        depths[key] = 1 + max((depths[needed] for needed in unit.depends_on if needed in depths), default=-1)
    return depths


def widest(unit: Unit, max_stack: int | Literal["auto"], limits: Mapping[Footprint, Limit]) -> int | None:
    """Members of a unit's stack at the most; None for embeddings, which are computed one after the other."""
    if unit.config is None:
        return None
    wanted = max(1, AUTO_EXAMPLES // unit.config.batch_size) if max_stack == "auto" else max_stack
    limit = limits.get(footprint_of_training(unit, unit.config))
    most = trains_of(unit).most_members
    fits = limit.width if limit is not None else wanted
    return min(wanted, fits, wanted if most is None else most)


def _widest_new(
    group: Sequence[Unit], max_stack: int | Literal["auto"], limits: Mapping[Footprint, Limit], fits: Fits
) -> int:
    """Members of the stacks that a group is cut into."""
    first = group[0]
    wanted = widest(first, max_stack, limits)
    if wanted is None or first.config is None:
        return len(group)
    expected = None if footprint_of_training(first, first.config) in limits else fits(group)
    return wanted if expected is None else min(wanted, expected)


def _adopted(
    units: Mapping[str, Unit],
    done: Collection[str],
    checkpointed: Mapping[str, Sequence[str]],
    max_stack: int | Literal["auto"],
    limits: Mapping[Footprint, Limit],
) -> list[Stack]:
    """Stacks to continue: all of their members are wanted, some lack a result, and they are not too wide by now."""
    stacks: list[Stack] = []
    taken: set[str] = set()
    for _, keys in sorted(checkpointed.items()):
        if not all(key in units and key not in taken for key in keys) or all(key in done for key in keys):
            continue
        members = tuple(units[key] for key in keys)
        limit = widest(members[0], max_stack, limits)
        if limit is None or len(members) <= limit:
            taken.update(keys)
            stacks.append(Stack(members, frozenset(key for key in keys if key in done), continued=True))
    return stacks


def _fresh(group: Sequence[Unit], settled: Collection[str], limit: int) -> Iterator[Stack]:
    """Stacks of nearly equal width, so that no worker is left with a remainder; then what is left of broken ones.

    What is left (after a failure, or where a sweep was extended) is cut into full stacks: those that are done can go
    without moving the limits of the others.
    """
    left: list[Unit] = []
    count = -(-len(group) // limit)
    for index in range(count):
        members = tuple(group[index * len(group) // count : (index + 1) * len(group) // count])
        todo = [unit for unit in members if unit.key not in settled]
        if len(todo) == len(members):
            yield Stack(members)
        else:
            left.extend(todo)
    for start in range(0, len(left), limit):
        yield Stack(tuple(left[start : start + limit]))


def shared(unit: Unit) -> tuple[Any, ...]:
    """What one forward pass shares: units for which it is equal may be members of one stack."""
    if unit.config is None:
        return (unit.product, unit.backbone, unit.data)
    return (unit.product, unit.backbone, unit.data, _shared_config(unit.config), trains_of(unit))


@lru_cache(maxsize=4096)
def _shared_config(config: TrainConfig) -> TrainConfig:
    return replace(config, lr=0.0, initialization="normal", initialization_scale=1.0)


def _place(stack: Stack, depth_of: Mapping[str, int], position: Mapping[str, int]) -> tuple[int, int]:
    """What others wait for comes first, then the order of the sweep file."""
    return max(depth_of[unit.key] for unit in stack.members), min(position[unit.key] for unit in stack.members)
