"""A transferability metric as a method's option names it: which one, and under which options.

What a sweep lists under `metrics:` is for its report; what a method weighs pairs with is said here, in full, so that
its results depend on nothing that is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator

from panda_ray.metrics.registry import get_metric


class MetricChoice(BaseModel):
    """A metric's name and its options; the name alone stands for the metric with its default options."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    metric: str
    options: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"metric": value} if isinstance(value, str) else value

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.metric} ({said})" if said else self.metric

    @field_serializer("options")
    def _in_full(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Defaults included, so that two ways of saying the same have one key."""
        return get_metric(self.metric).Options.model_validate(dict(options)).model_dump(mode="json")
