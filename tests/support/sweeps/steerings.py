"""Steerings for tests: what makes small plans grow, and who stops members."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.growth import Proposal
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.steering import Steering
from panda_ray.training.engine.epoch_report import EpochReport


def proposal_of(plan: Plan, keys: Iterable[str]) -> Proposal:
    """Units of a plan with all that they need, and the cells that they fill."""
    wanted = set(keys)
    for key in reversed(plan.units):  # a unit comes after what it needs
        if key in wanted:
            wanted.update(plan.depends_on[key])
    return Proposal(
        units={key: unit for key, unit in plan.units.items() if key in wanted},
        role_of={key: plan.role_of[key] for key in wanted},
        label_of={key: plan.label_of[key] for key in wanted},
        cells=tuple(cell for cell in plan.cells if cell.key in wanted),
    )


def nothing_of(plan: Plan) -> Plan:
    """The plan of the same sweep without a unit."""
    return replace(plan, cells=(), units={}, role_of={}, label_of={}, done=frozenset(), stacks=())


class Steps(Steering):
    """Proposes the cells of a plan one by one: the next one once all before it have ended, and a slot is idle.

    Args:
        together: propose them all at once instead.
        stops: keys of trainings, with the epoch after which they stop.
    """

    def __init__(self, whole: Plan, together: bool = False, stops: Mapping[str, int] = MappingProxyType({})) -> None:
        self.heard: dict[str, Outcome] = {}
        self.asked: list[int] = []
        self._whole = whole
        self._proposed: list[str] = []
        self._left = list(dict.fromkeys(cell.key for cell in whole.cells))
        self._together, self._stops = together, stops

    @property
    def exhausted(self) -> bool:
        return not self._left

    def propose(self, idle: int) -> Proposal | None:
        self.asked.append(idle)
        if not self._left or not idle or not all(key in self.heard for key in self._proposed):
            return None
        count = len(self._left) if self._together else 1
        self._proposed, self._left = self._left[:count], self._left[count:]
        return proposal_of(self._whole, self._proposed)

    def may_stop(self, key: str) -> bool:
        return key in self._stops

    def stops(self, report: EpochReport) -> Collection[str]:
        return [key for key in report.scores if report.epoch >= self._stops.get(key, report.epoch + 1)]

    def hear(self, outcome: Outcome) -> None:
        assert outcome.key not in self.heard or self.heard[outcome.key].status == outcome.status
        self.heard[outcome.key] = outcome


class Stopper(Steering):
    """Stops the trainings with these keys after an epoch."""

    def __init__(self, keys: Collection[str], epoch: int) -> None:
        self.keys, self.epoch = frozenset(keys), epoch
        self.heard: dict[str, Outcome] = {}

    def may_stop(self, key: str) -> bool:
        return key in self.keys

    def stops(self, report: EpochReport) -> Collection[str]:
        return self.keys.intersection(report.scores) if report.epoch >= self.epoch else ()

    def hear(self, outcome: Outcome) -> None:
        self.heard[outcome.key] = outcome
