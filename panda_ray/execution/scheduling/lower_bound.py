"""What no schedule can beat: the longest path and the work, each unit in the shape that is best for either.

It knows nothing of what a schedule did. A unit may be alone on any number of workers, or have neighbours like itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panda_ray.execution.planning.packing import shared, widest
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.shapes.allocations import Seconds, Shape, timed_as
from panda_ray.execution.scheduling.shapes.critical_path import Paths, longest_paths
from panda_ray.execution.scheduling.shapes.deadline import earliest_end
from panda_ray.execution.units.unit import Unit


@dataclass(frozen=True)
class Step:
    """One unit of the critical path, in its fastest shape."""

    unit: Unit
    workers: int
    seconds: float


@dataclass(frozen=True)
class Bound:
    """What holds for every schedule of a plan.

    Attributes:
        critical_path: the longest chain of units that wait for each other, each as fast as it can be.
        work: slot-seconds of all units, each as cheap as it can be.
        shapes: per unit, what it can be trained in.
        around: per unit, seconds of the fastest paths before and behind it.
    """

    critical_path: tuple[Step, ...]
    work: float
    shapes: Mapping[str, Sequence[Shape]]
    around: Mapping[str, float]

    @property
    def critical_seconds(self) -> float:
        """From the start of the critical path to its end."""
        return sum(step.seconds for step in self.critical_path)

    def seconds(self, slots: int) -> float:
        """The larger of critical path and work divided by slots."""
        return max(self.critical_seconds, self.work / slots)

    def strict_seconds(self, slots: int) -> float:
        """A larger bound, for trainings that keep their workers: the work is that of shapes that are fast enough.

        A unit that is as cheap as it can be may take longer than the whole run; `seconds` counts it all the same.
        """
        return earliest_end(self.shapes, self.around, slots)


def bound_of(plan: Plan, seconds: Seconds) -> Bound:
    """The bound of what is left of a plan; `seconds` are those of a stack on so many workers."""
    units = {unit.key: unit for stack in plan.stacks for unit in stack.todo}
    alike = Counter(shared(unit) for unit in units.values())
    known: dict[tuple[object, ...], tuple[Shape, ...]] = {}
    shapes: dict[str, tuple[Shape, ...]] = {}
    for key, unit in units.items():
        address = timed_as(unit)
        if address not in known:
            known[address] = _shapes(unit, alike[shared(unit)], plan, seconds)
        shapes[key] = known[address]
    fastest = {key: min(each, key=lambda shape: shape.seconds) for key, each in shapes.items()}
    paths = longest_paths({key: shape.seconds for key, shape in fastest.items()}, plan.depends_on)
    work = sum(min(shape.work for shape in each) for each in shapes.values())
    around = {key: paths.before[key] + paths.after[key] for key in shapes}
    steps = tuple(
        Step(units[key], fastest[key].workers, fastest[key].seconds)
        for key in _longest(fastest, paths, plan.depends_on)
    )
    return Bound(steps, work, shapes, around)


def _shapes(unit: Unit, alike: int, plan: Plan, seconds: Seconds) -> tuple[Shape, ...]:
    """Every shape that a unit can have; those that take neither fewer seconds nor less work are of no use."""
    resources = plan.sweep.resources
    width = min(alike, widest(unit, resources.max_stack, plan.limits) or alike)
    shapes = [Shape(members, 1, seconds(Stack((unit,) * members), 1)) for members in range(1, width + 1)]
    if unit.config is not None:
        spread = range(2, resources.max_workers + 1)
        shapes += [Shape(1, workers, seconds(Stack((unit,)), workers)) for workers in spread]
    useful: list[Shape] = []
    for shape in sorted(shapes, key=lambda shape: (shape.seconds, shape.work)):
        if not useful or shape.work < useful[-1].work:
            useful.append(shape)
    return tuple(useful)


def _longest(shapes: Mapping[str, Shape], paths: Paths, depends_on: Mapping[str, Sequence[str]]) -> list[str]:
    """The units of the longest path, from the first on."""

    def end(key: str) -> float:
        return paths.before[key] + shapes[key].seconds

    path: list[str] = []
    key = max(shapes, key=end, default=None)
    while key is not None:
        path.append(key)
        key = max((needed for needed in depends_on[key] if needed in shapes), key=end, default=None)
    return path[::-1]
