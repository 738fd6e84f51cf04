"""What a finished study leaves for later ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panda_ray.search.space import Point
from panda_ray.search.trials import Address


@dataclass(frozen=True)
class FinishedStudy:
    """A study in which every point has ended.

    Attributes:
        space: as its sweep file has it, as JSON data.
        best: its best point.
    """

    address: Address
    space: Mapping[str, Any]
    best: Point

    def to_json(self) -> dict[str, Any]:
        """As JSON data."""
        return {"address": list(self.address), "space": dict(self.space), "best": dict(self.best)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> FinishedStudy:
        """What `to_json` gave."""
        backbone, method, sources, target = said["address"]
        return cls(Address(backbone, method, tuple(sources), target), said["space"], said["best"])

    def serves(self, other: Address, space: Mapping[str, Any]) -> bool:
        """Whether its best point is one for another study: one of the same training and space on another task."""
        backbone, method, sources, target = other
        same = self.address == Address(backbone, method, sources, self.address.target)
        return same and self.address.target != target and self.space == space
