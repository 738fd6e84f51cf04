"""What a changed sweep file computes anew: units that are stored under other settings, and which settings differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.units.unit import Unit

_ADDRESS = ("product", "method", "seed")
_DERIVED = "dependencies"
"""Differs wherever something earlier differs: a consequence, not a cause."""


class Change(NamedTuple):
    """A setting that differs.

    Attributes:
        setting: dotted, or `dependencies` where only what a unit builds on has changed.
        stored, wanted: its values.
    """

    setting: str
    stored: Any
    wanted: Any

    @property
    def is_derived(self) -> bool:
        """No setting of the unit's own differs."""
        return self.setting == _DERIVED


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
        counts.update(nearest or [Change(_DERIVED, "", "")])
    return dict(counts.most_common())


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Change]:
    """Settings in which two identities differ, the keys of dependencies left out."""
    before, after = dict(_flat(stored)), dict(_flat(wanted))
    return [
        Change(name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if not name.startswith(_DERIVED) and before.get(name) != after.get(name)
    ]


def _address(identity: Mapping[str, Any]) -> tuple[Any, ...]:
    sources = tuple(identity["sources"])
    return (identity["backbone"]["name"], identity["data"]["task"], sources, *(identity[name] for name in _ADDRESS))


def _address_of(unit: Unit) -> tuple[Any, ...]:
    """The same of a unit; its identity is described only where there is a record to compare it with."""
    return (unit.backbone.name, unit.task, unit.sources, *(getattr(unit, name) for name in _ADDRESS))


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", item
