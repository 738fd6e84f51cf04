"""The steering of a search: proposes what studies ask for, and stops members that a pruner has ended.

Of several drivers one leads, under a lease of the store; the others wait until the search is over or its driver is
gone, and go on from what the storage and the store hold.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.growth import Proposal, proposal_of
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.steering import Steering
from panda_ray.execution.store.leases import Lease
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.cells import Cell
from panda_ray.search.open_trial import OpenTrial
from panda_ray.search.space import section_of
from panda_ray.search.study_search import StudySearch
from panda_ray.search.trials import StudyStanding
from panda_ray.training.member import SELECTING

if TYPE_CHECKING:
    from panda_ray.training.engine.epoch_report import EpochReport

_PAUSE_SECONDS = 2.0
"""Between two looks at a search that another driver leads."""


class Searching(Steering):
    """Runs the studies of a sweep side by side; a context, at whose end another driver may lead them.

    Args:
        name: of the lease, the same for all drivers of these studies.
        plan: what is wanted besides.
    """

    def __init__(self, name: str, studies: Sequence[StudySearch], plan: Plan, store: Store) -> None:
        self._name, self._studies, self._plan, self._store = name, studies, plan, store
        self._prunes = section_of(plan.sweep).pruner != "none"
        self._score = SELECTING[plan.sweep.protocol]
        self._lease: Lease | None = None
        self._again: list[str] = []
        self._looked = float("-inf")
        self._over: set[StudySearch] = set()
        self._trials: dict[str, list[tuple[StudySearch, OpenTrial]]] = defaultdict(list)
        """By unit: two studies that search under one method may try equal points."""
        self._awaited: dict[str, list[StudySearch]] = defaultdict(list)
        """Studies by the unit of the plan that they cannot begin without."""
        self._heard = set[str]()
        self._needed = set(plan.units)
        """Units that others wait for, or that are wanted whatever a pruner says."""

    def __enter__(self) -> Searching:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lease is not None:
            self._lease.release()

    @property
    def standings(self) -> list[StudyStanding]:
        """How each study stands, as far as it is known here."""
        return [study.standing for study in self._studies]

    @property
    def exhausted(self) -> bool:
        return len(self._over) == len(self._studies)

    def propose(self, idle: int) -> Proposal | None:
        if self.exhausted or not self._leads():
            return None
        keys, cells = self._again, list[Cell]()
        self._again = []
        for study in self._studies:
            if study not in self._over:
                keys += [key for trial in study.ask() for key in self._noted(study, trial)]
            if study not in self._over and study.over:
                self._over.add(study)
                study.finish()
                cells += study.points.cells(study.chosen)
        if not keys and not cells:
            return None
        proposal = proposal_of(self._studies[0].points.graph, keys, cells)
        for unit in proposal.units.values():
            self._needed.update(unit.depends_on)
        return proposal

    def _leads(self) -> bool:
        """Whether this driver leads; when it begins to, it takes up what others have left."""
        if self._lease is None and time.monotonic() - self._looked > _PAUSE_SECONDS:
            self._looked = time.monotonic()
            lease = self._store.leases.take(self._name, {self._name})
            if lease.members:
                self._lease = lease
                self._again = [key for study in self._studies for key in self._taken_up(study)]
        return self._lease is not None

    def _taken_up(self, study: StudySearch) -> list[str]:
        """Units of trials that have not ended, of those with a result, and of pruned ones in a checkpoint with them."""
        open_ = {key for trial in study.begin() for key in self._noted(study, trial)}
        for key in study.awaited:
            if key in self._heard:  # while another driver led
                study.has_ended(key)
            else:
                self._awaited[key].append(study)
        done = {key for trial in study.ended("done") for key in self._noted(study, trial)}
        pruned = {key for trial in study.ended("pruned") for key in self._noted(study, trial)}
        beside = {
            key
            for members in self._store.checkpoints.members().values()
            if not open_.isdisjoint(members) and (open_ | done | pruned).issuperset(members)
            for key in members
        }
        return [*open_, *self._store.done_among(done), *(beside - open_ - done)]

    def _noted(self, study: StudySearch, trial: OpenTrial) -> tuple[str, ...]:
        """The units of a trial, from now on heard of."""
        for key in trial.keys:
            self._trials[key].append((study, trial))
        return trial.keys

    def hear(self, outcome: Outcome) -> None:
        self._heard.add(outcome.key)
        for study in self._awaited.pop(outcome.key, ()):
            study.has_ended(outcome.key)
        for study, trial in self._trials.get(outcome.key, ()):
            if trial.ended:
                continue
            if outcome.status == "done":
                history: list[dict[str, Any]] = self._store.known(outcome.key)["history"]
                study.trained(trial, outcome.key, {past["epoch"]: past[self._score] for past in history})
            elif outcome.status == "failed":
                study.failed(trial, outcome.error or "")
            elif outcome.status == "blocked":
                study.block(trial, outcome.error or "")
            else:
                study.stopped(trial)

    def may_stop(self, key: str) -> bool:
        return self._prunes and key in self._trials and key not in self._needed

    def stops(self, report: EpochReport) -> Collection[str]:
        for key, score in report.selecting.items():
            for study, trial in self._trials.get(key, ()):
                if not trial.ended:
                    trial.scores.setdefault(key, {})[report.epoch] = score
                    study.epoch(trial, last=report.epoch == report.epochs)
        return [key for key in report.selecting if all(trial.ended for _, trial in self._trials.get(key, ()))]
