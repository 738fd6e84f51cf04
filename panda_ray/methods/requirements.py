"""What a cell needs of other units before it can start, as data.

The planner turns each requirement into edges of the graph, one per source and in the order of the sources; whoever runs
the cell gives the method what was loaded of them, in the same order. A method has each requirement once at the
most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from panda_ray.metrics import MetricChoice


@dataclass(frozen=True)
class SourcePrompts:
    """What each source has trained.

    Attributes:
        method: that trains it, under its default options.
    """

    method: str = "prompt_tuning"


@dataclass(frozen=True)
class PairTeachers:
    """Per source, the training of source and target by another method, as a teacher.

    Attributes:
        method: which takes one source: `teacher` (target-like) or `pot`.
        options: its options by name, where they are not the default ones.
    """

    method: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PairSimilarities:
    """Per source, its predicted transferability to the target.

    Attributes:
        metric: that predicts it, with its options.
    """

    metric: MetricChoice


Requirement = SourcePrompts | PairTeachers | PairSimilarities

Wanted = TypeVar("Wanted", SourcePrompts, PairTeachers, PairSimilarities)


def requirement(wanted: type[Wanted], requirements: tuple[Requirement, ...]) -> Wanted | None:
    """The requirement of that type; None if there is none."""
    return next((each for each in requirements if isinstance(each, wanted)), None)
