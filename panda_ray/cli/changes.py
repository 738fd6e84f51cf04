"""What a changed sweep file computes anew: units that are stored under other settings, and which settings differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.units.unit import Unit

Change = tuple[str, Any, Any]
"""Dotted setting, stored value, wanted value."""

_ADDRESS = ("kind", "method", "source", "seed")
_DERIVED = "dependencies"
"""Differs wherever something earlier differs: a consequence, not a cause."""


def invalidated(plan: Plan, records: Iterable[Mapping[str, Any]]) -> dict[Change, int]:
    """How many units each changed setting makes anew, most first.

    A unit counts where there is a record for the same backbone, method, tasks and seed under other settings.
    Units whose own settings are unchanged but that build on such a unit count as `dependencies`.
    """
    stored: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        stored[_address(record["identity"])].append(record["identity"])
    if not stored:
        return {}
    missing = (unit for key, unit in plan.units.items() if key not in plan.done)
    wanted = {address: unit for unit in missing if (address := _address_of(unit)) in stored}
    counts: Counter[Change] = Counter()
    for address, unit in wanted.items():
        identity = unit.identity
        if identity in stored[address]:
            continue
        nearest = min((differences(other, identity) for other in stored[address]), key=len)
        counts.update(nearest or [(_DERIVED, "", "")])
    return dict(counts.most_common())


def describe_outdated(units: int) -> str:
    """What is said of results whose inputs were repaired and came out different; they are computed anew."""
    return f"{units} {'result was' if units == 1 else 'results were'} computed from inputs that have changed since"


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Change]:
    """Settings in which two identities differ, the keys of dependencies left out."""
    before, after = dict(_flat(stored)), dict(_flat(wanted))
    return [
        (name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if not name.startswith(_DERIVED) and before.get(name) != after.get(name)
    ]


def describe(change: Change, units: int) -> str:
    """One line for people."""
    name, before, after = change
    what = "results that they build on changed" if name == _DERIVED else f"{name}: {_short(before)} -> {_short(after)}"
    return f"{what} ({units} {'unit' if units == 1 else 'units'})"


def _address(identity: Mapping[str, Any]) -> tuple[Any, ...]:
    return (identity["backbone"]["name"], identity["data"]["task"], *(identity[name] for name in _ADDRESS))


def _address_of(unit: Unit) -> tuple[Any, ...]:
    """The same of a unit; its identity is described only where there is a record to compare it with."""
    return (unit.backbone.name, unit.task, *(getattr(unit, name) for name in _ADDRESS))


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", item


def _short(value: Any) -> str:
    """Hashes by their first digits."""
    text = str(value)
    return f"{text[:14]}..." if len(text) > 40 else text
