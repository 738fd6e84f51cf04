"""What a changed sweep file computes anew: units that are stored under other settings, and which settings differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from panda_ray.execution.plan import Plan

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
    wanted = {_address(unit.identity): unit.identity for key, unit in plan.units.items() if key not in plan.done}
    stored: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        if (address := _address(record["identity"])) in wanted:
            stored[address].append(record["identity"])
    counts: Counter[Change] = Counter()
    for address, identities in stored.items():
        if wanted[address] in identities:
            continue
        nearest = min((differences(identity, wanted[address]) for identity in identities), key=len)
        counts.update(nearest or [(_DERIVED, "", "")])
    return dict(counts.most_common())


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
