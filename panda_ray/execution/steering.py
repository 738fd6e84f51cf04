"""Who steers a run while it goes on: adds units to its plan, and stops members before their trainings end.

Searches and grids that choose their sources are built on this. What is proposed and stopped is decided in the driver's
process, whatever runs the stacks.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.growth import Proposal

if TYPE_CHECKING:
    from panda_ray.training.engine.epoch_report import EpochReport


class Steering:
    """Steers nothing: a run with this one is that of a fixed plan. Override what is of interest."""

    @property
    def exhausted(self) -> bool:
        """Nothing more will be proposed, whatever is still heard. A run waits for this, however long it takes."""
        return True

    def propose(self, idle: int) -> Proposal | None:
        """What the plan should have besides; None for the moment.

        Asked again and again until it gives None: after each stack that ended, and whenever a slot has nothing to run.

        Args:
            idle: slots for which there is nothing to run. Whoever learns from outcomes proposes no more than these
                need; what is known already is better proposed at once.
        """
        return None

    def hear(self, outcome: Outcome) -> None:
        """A unit ended: done, failed, blocked or stopped.

        What is proposed and has ended already, in this run or in the store, is heard of at once.
        """

    def may_stop(self, key: str) -> bool:
        """Whether the training of a unit may be stopped early; its reports are waited for only then.

        A unit that may not be, and was stopped in an earlier run, is trained anew.
        """
        return False

    def stops(self, report: EpochReport) -> Collection[str]:
        """Keys of the members, of those with a score, that stop after this epoch.

        A stack that lost its worker repeats epochs, which are reported again. Who was stopped then stays so.
        """
        return ()


FIXED_PLAN = Steering()
