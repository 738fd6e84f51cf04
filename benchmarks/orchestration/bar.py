"""A measured figure beside the bar that it must stay below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bar:
    """One requirement.

    Attributes:
        what: is measured, for people.
        value, limit: in `unit`; the value must be lower.
    """

    what: str
    value: float
    limit: float
    unit: str

    @property
    def ratio(self) -> float:
        """Below 1 where the bar is met."""
        return self.value / self.limit

    @property
    def is_met(self) -> bool:
        return self.ratio < 1

    def as_json(self) -> dict[str, Any]:
        return {"what": self.what, "value": self.value, "limit": self.limit, "unit": self.unit, "ratio": self.ratio}

    def __str__(self) -> str:
        verdict = "met" if self.is_met else "NOT met"
        return f"{self.what}: {self.value:.3g} {self.unit}, {self.ratio:.2f} of the {self.limit:g} allowed ({verdict})"
