"""Sources that a transferability metric chooses: a grid of a few pairs per target instead of all."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from panda_ray.sweep.section import NamedSection, Section


class MetricReference(NamedSection):
    """A transferability metric, with its options."""

    short_key: ClassVar[str] = "metric"

    metric: str
    """A name from `panda-ray metrics`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The metric's own options."""


class SourceChoice(Section):
    """The sources of each target that a metric ranks highest; a task is no source for itself here.

    Similarities are averaged over the seeds of the sweep, so that all seeds of a target have the same sources. Equal
    ones are ranked in the order of `sources`.
    """

    top: int = Field(gt=0, le=100_000)
    """How many sources of each target are trained; all of them where a target has no more."""
    by: MetricReference
    """Name of a metric, or a section with options. `metrics` need not list it."""
