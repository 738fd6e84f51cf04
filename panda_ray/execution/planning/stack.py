"""A stack: units that share a backbone and a data set and are trained in one forward pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from panda_ray.execution.store.checkpoints import checkpoint_name
from panda_ray.execution.units.unit import Unit


@dataclass(frozen=True, repr=False)
class Stack:
    """Members in a fixed order, and which of them still lack a result.

    A member that is already done stays a member: floating-point sums depend on the shape of the batch, so a resumed
    stack must have the shape that it had.

    Attributes:
        workers: processes that train it together, data parallel. No part of its identity: a checkpoint may be continued
            by another number of them.
        accelerator: of the kind of worker that it was given to; None where all are alike, or before. No part of its
            identity either.
        continued: it has a checkpoint, and so keeps its members. No part of its identity either.
    """

    members: tuple[Unit, ...]
    done: frozenset[str] = field(default=frozenset())
    workers: int = 1
    accelerator: str | None = field(default=None, compare=False)
    continued: bool = field(default=False, compare=False)

    @cached_property
    def id(self) -> str:
        """Hash of the members' keys; names the stack's checkpoint."""
        return checkpoint_name(self.keys)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(unit.key for unit in self.members)

    def __repr__(self) -> str:
        return f"<Stack {self.title}>"

    @property
    def todo(self) -> tuple[Unit, ...]:
        return tuple(unit for unit in self.members if unit.key not in self.done)

    @property
    def title(self) -> str:
        """For people: methods, task, width, and workers or the kind of worker where there are several."""
        first = self.members[0]
        methods = "+".join(dict.fromkeys(unit.method for unit in self.members))
        place = f"{self.workers} workers" if self.workers > 1 else self.accelerator
        spread = "" if place is None else f" on {place}"
        return f"{first.backbone.name} {methods} -> {first.task} x{len(self.members)}{spread}"
