"""The steering of a sweep whose sources a metric chooses: a place gets its cells when its last similarity is known."""

from __future__ import annotations

from collections.abc import Callable

from panda_ray.choosing.choice_places import Place, unchosen
from panda_ray.choosing.chooser import Chooser
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.growth import Proposal
from panda_ray.execution.steering import Steering
from panda_ray.execution.units.cells import Cell


class Choosing(Steering):
    """Chooses once per place; a place of which an embedding fails is left alone until another run computes it.

    Several drivers may do so side by side: a choice depends on results alone.

    Args:
        choose: the cells of a place whose embeddings are done.
    """

    def __init__(self, chooser: Chooser, choose: Callable[[Place], list[Cell]]) -> None:
        self._chooser, self._choose = chooser, choose
        self._missing = {place: set(chooser.needed(place) - chooser.plan.done) for place in unchosen(chooser.plan)}

    @property
    def exhausted(self) -> bool:
        return not self._missing

    def propose(self, idle: int) -> Proposal | None:
        ready = [place for place, missing in self._missing.items() if not missing]
        for place in ready:
            del self._missing[place]
        cells = [cell for place in ready for cell in self._choose(place)]
        return self._chooser.proposal(cells) if cells else None

    def hear(self, outcome: Outcome) -> None:
        for place in [place for place, missing in self._missing.items() if outcome.key in missing]:
            if outcome.status == "done":
                self._missing[place].discard(outcome.key)
            else:
                del self._missing[place]
