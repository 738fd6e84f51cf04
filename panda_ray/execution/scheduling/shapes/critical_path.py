"""How long what waits for a unit takes at the least, one after the other: the lengths of the paths through a graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Paths:
    """The longest paths through the units that are not done, in seconds.

    Attributes:
        before: per unit, from the start of the first unit that it waits for until it can start itself.
        after: per unit, from its end until the last of what waits for it has ended.
    """

    before: Mapping[str, float]
    after: Mapping[str, float]


def longest_paths(seconds: Mapping[str, float], depends_on: Mapping[str, Sequence[str]]) -> Paths:
    """Paths of units that take so many seconds each; what has no entry in `seconds` is done and takes none.

    Linear in units and dependencies.
    """
    order = _ordered(seconds, depends_on)
    before = dict.fromkeys(order, 0.0)
    after = dict.fromkeys(order, 0.0)
    for key in order:
        needed = (before[other] + seconds[other] for other in depends_on[key] if other in seconds)
        before[key] = max(needed, default=0.0)
    for key in reversed(order):
        path = seconds[key] + after[key]
        for other in depends_on[key]:
            if other in seconds and path > after[other]:
                after[other] = path
    return Paths(before, after)


def dependents(keys: Iterable[str], depends_on: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Per unit, the given units that wait for it."""
    found: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        for needed in dict.fromkeys(depends_on[key]):
            found[needed].append(key)
    return found


def _ordered(keys: Iterable[str], depends_on: Mapping[str, Sequence[str]]) -> list[str]:
    """Every unit after those that it depends on."""
    wanted = list(keys)
    waiting_for = dependents(wanted, depends_on)
    missing = dict.fromkeys(wanted, 0)
    for key in wanted:
        missing[key] = sum(other in missing for other in dict.fromkeys(depends_on[key]))
    order = [key for key in wanted if not missing[key]]
    for key in order:  # grows while it is walked through
        for other in waiting_for.get(key, ()):
            missing[other] -= 1
            if not missing[other]:
                order.append(other)
    return order
