"""What a store knows of cells and a study does not: reports read MLflow alone, so whoever has the store hands it in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from panda_ray.reports.reproduction.asked import Answer, Quantity


class Stored(Protocol):
    """The store of a study."""

    def costs(self, quantity: Quantity, backbone: str, method: str, sources: str, target: str) -> Mapping[int, float]:
        """By seed, what a cell took (`Numbers.cost`); empty where it is not done, or its records do not say."""
        ...

    def answers(self, backbone: str, method: str, sources: str, target: str) -> Mapping[int, Sequence[Answer]]:
        """See `Numbers.answers`."""
        ...


class _Nothing:
    """No store at hand."""

    def costs(
        self, _quantity: Quantity, _backbone: str, _method: str, _sources: str, _target: str
    ) -> Mapping[int, float]:
        return {}

    def answers(self, _backbone: str, _method: str, _sources: str, _target: str) -> Mapping[int, Sequence[Answer]]:
        return {}


NOTHING: Stored = _Nothing()
