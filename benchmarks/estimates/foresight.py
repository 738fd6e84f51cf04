"""What `panda-ray plan` would have said in the middle of a sweep, beside what then happened."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack

Record = Mapping[str, Any]

SHARES = (0.25, 0.5, 0.75)
"""Parts of the stacks, in the order in which they ended, from which the rest is estimated."""


@dataclass(frozen=True)
class Foresight:
    """Stacks that were estimated from others.

    Attributes:
        known: what the estimate was made from.
        took, estimated: seconds of all of them.
        typical_factor: median over the stacks of the factor, above 1, between what one took and its estimate.
        shares: of the estimated seconds, by what they were known from.
    """

    known: str
    stacks: int
    took: float
    estimated: float
    typical_factor: float
    shares: dict[str, float]

    @property
    def ratio(self) -> float:
        """Estimated over measured seconds."""
        return self.estimated / self.took

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


def foresights(plan: Plan, records: Sequence[Record]) -> Iterator[Foresight]:
    """Estimates from nothing, from the first parts of the sweep, and of each task from all the others."""
    stacks = _trained_stacks(records)
    yield _foresight(plan, "nothing", [], stacks)
    for share in SHARES:
        count = round(share * len(stacks))
        yield _foresight(plan, f"the first {share:.0%} of the stacks", stacks[:count], stacks[count:])
    for task in sorted({stack[0]["target"] for stack in stacks}):
        others = [stack for stack in stacks if stack[0]["target"] != task]
        mine = [stack for stack in stacks if stack[0]["target"] == task]
        yield _foresight(plan, f"all tasks but {task}", others, mine)


def _trained_stacks(records: Sequence[Record]) -> list[list[Record]]:
    """The records of each stack of trainings, in the order in which stacks ended."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record["finished_at"]):
        if record["product"] == "prompt":
            found[record["stack"]].append(record)
    return list(found.values())


def _foresight(plan: Plan, known: str, seen: list[list[Record]], unseen: list[list[Record]]) -> Foresight:
    costs = Costs.of(plan, [record for stack in seen for record in stack])
    pairs, by_basis = [], defaultdict[str, float](float)
    for stack in unseen:
        estimate = costs.seconds(Stack(tuple(plan.units[record["key"]] for record in stack)))
        by_basis[estimate.basis] += estimate.seconds
        pairs.append((sum(record["seconds"] for record in stack), estimate.seconds))
    took, estimated = (sum(column) for column in zip(*pairs, strict=True))
    return Foresight(
        known=known,
        stacks=len(unseen),
        took=took,
        estimated=estimated,
        typical_factor=math.exp(statistics.median(abs(math.log(guess / seconds)) for seconds, guess in pairs)),
        shares={basis: seconds / estimated for basis, seconds in by_basis.items()},
    )
