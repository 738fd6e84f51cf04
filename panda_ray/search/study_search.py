"""One study on its way to its end: points are asked for a stack at a time, and told once all their units have ended.

Points are asked for in *generations*, each as wide as a stack, and the next one once the last one has ended: what is
asked for then depends on what was found, and neither on how many slots there are nor on which unit ends first. Many
studies side by side keep slots busy meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from panda_ray.errors import InputError
from panda_ray.execution.units.canonical import canonical_json
from panda_ray.search.open_trial import OpenTrial, Scores
from panda_ray.search.points import Points
from panda_ray.search.trials import StudyStanding, Trial, TrialState, WarmPoint
from panda_ray.search.warm.finished import FinishedStudy
from panda_ray.search.warm.warm_start import WarmStart

if TYPE_CHECKING:
    from panda_ray.search.in_optuna.optuna_study import OptunaStudy

MOST_REPEATS = 20
"""Points in a row that were proposed before, after which a study has nothing new to ask for."""


class StudySearch:
    """One study.

    Args:
        wanted: distinct points to ask for.
        generation: points to ask for at a time.
        find_warm: what it may begin with, where it has not begun; None where it begins with nothing.
    """

    def __init__(
        self,
        study: OptunaStudy,
        points: Points,
        wanted: int,
        generation: int,
        prunes: bool,
        find_warm: Callable[[], WarmStart] | None = None,
    ) -> None:
        self.points, self.wanted = points, wanted
        self.blocked: str | None = None
        self._find_warm = find_warm
        self._warm: WarmStart | None = None
        """While it awaits something."""
        self._began_with: tuple[WarmPoint, ...] = ()
        self._study, self._generation, self._prunes = study, generation, prunes
        self._ended = study.ended
        self._known: dict[str, Trial] = {}
        """By point, or rather by what a point trains: those that have ended, and those that are open."""
        self._open: dict[str, OpenTrial] = {}

    def begin(self) -> list[OpenTrial]:
        """Read what was asked for before; those that have not ended are open again."""
        self._study.fail_cut_short()
        self._warm_up()
        again = []
        for trial in self._study.trials():
            same = self._same(trial)
            if trial.state == "running" and same not in self._known:
                again.append(self._opened(trial, same))
            elif trial.state == "running":
                self._follow(trial, same)
            elif not trial.repeats:
                self._known[same] = trial
        return [trial for trial in again if trial is not None]

    @property
    def awaited(self) -> frozenset[str]:
        """Units without which no point is asked for: a warm start is ranked by them."""
        return frozenset() if self._warm is None else frozenset(self._warm.awaited)

    def has_ended(self, key: str) -> None:
        """An awaited unit has ended, whether with a result or not; with the last one the study begins."""
        if self._warm is not None:
            self._warm.awaited.discard(key)
            self._begin_ranked()

    def _warm_up(self) -> None:
        """Begin with what was noted, or find what to begin with; a study that has begun without goes on so."""
        if (noted := self._study.warm) is not None:
            self._begin_with(noted)
        elif self._find_warm is not None and not self._study.trials():
            self._warm = self._find_warm()
            self._begin_ranked()

    def _begin_ranked(self) -> None:
        if self._warm is not None and not self._warm.awaited:
            self._begin_with(self._warm.ranked()[: self.wanted])
            self._warm = None

    def _begin_with(self, warm: tuple[WarmPoint, ...]) -> None:
        self._began_with = warm
        self._study.begin_with(warm)

    def ended(self, state: TrialState) -> list[OpenTrial]:
        """The points that have ended so, each once."""
        found = [trial for trial in self._known.values() if trial.state == state]
        return [OpenTrial(trial, self.points.keys(trial.point), ended=True) for trial in found]

    @property
    def chosen(self) -> tuple[str, ...]:
        """Units of the best point; none where no point has a value, or points are left for another run."""
        best = self.standing.best
        return () if best is None or self.blocked is not None else self.points.keys(best.point)

    def finish(self) -> None:
        """Leave to later studies what this one has found, if every point has ended."""
        standing = self.standing
        if standing.complete and standing.best is not None:
            self._study.finish(FinishedStudy(self.points.address, self.points.space, standing.best.point))

    def ask(self) -> list[OpenTrial]:
        """The next generation of points; none while the last one is open, and none at the end."""
        asked: list[OpenTrial] = []
        repeats = 0
        while not self._open_but(asked) and self._may_ask and len(asked) < self._generation:
            trial = self._study.ask()
            same = self._same(trial)
            if same in self._known:
                self._follow(trial, same)
                repeats += 1
                if repeats < MOST_REPEATS:
                    continue
                if not asked:
                    self._ended = f"{repeats} points in a row were proposed that had been tried before"
                    self._study.end(self._ended)
                break
            repeats = 0
            if (opened := self._opened(trial, same)) is not None:
                asked.append(opened)
        return asked

    def trained(self, trial: OpenTrial, key: str, scores: Scores) -> None:
        """A unit of an open trial has its result; with the last one the trial ends."""
        trial.scores[key] = dict(scores)
        trial.done.add(key)
        if trial.done.issuperset(trial.keys):
            if self._prunes:
                self._tell_pruner(trial)
            self._end(trial, value=trial.value)

    def failed(self, trial: OpenTrial, error: str) -> None:
        """A unit of an open trial has no result, and never will."""
        self._end(trial, error=error)

    def stopped(self, trial: OpenTrial) -> None:
        """A unit of an open trial was stopped before this driver heard of it."""
        self._end(trial)

    def block(self, trial: OpenTrial, why: str) -> None:
        """Something that an open trial needs has failed: it is left for another run, and nothing more is asked for."""
        self.blocked = why
        trial.ended = True
        del self._open[self._same(trial.trial)]

    def epoch(self, trial: OpenTrial, last: bool) -> bool:
        """Tell the pruner what an open trial has reached; whether it ends there. None does after its last epoch."""
        if not self._tell_pruner(trial) or last:
            return False
        self._end(trial)
        return True

    @property
    def over(self) -> bool:
        """Nothing is open, and nothing more will be asked for in this run."""
        return not self._open and not self._wants_more

    @property
    def standing(self) -> StudyStanding:
        """How it stands."""
        trials = tuple(self._known.values())
        return StudyStanding(self.points.address, trials, self.wanted, self._ended, self._began_with)

    @property
    def _may_ask(self) -> bool:
        return self._wants_more and self._warm is None

    @property
    def _wants_more(self) -> bool:
        return self.blocked is None and len(self._known) < self.wanted and self._ended is None

    def _open_but(self, asked: Collection[OpenTrial]) -> bool:
        return len(self._open) > len(asked)

    def _same(self, trial: Trial) -> str:
        """What tells points apart: the units that they train, or the point itself where it can train none."""
        try:
            return canonical_json(self.points.keys(trial.point))
        except InputError:
            return canonical_json(trial.point)

    def _opened(self, trial: Trial, same: str) -> OpenTrial | None:
        """A trial to be trained; None for one that cannot be, which has failed."""
        self._known[same] = trial
        try:
            keys = self.points.keys(trial.point)
        except InputError as error:
            self._study.tell(trial, None, str(error))
            self._known[same] = replace(trial, state="failed", error=str(error))
            return None
        opened = self._open[same] = OpenTrial(trial, keys, heard=max(trial.reported, default=0))
        return opened

    def _follow(self, trial: Trial, same: str) -> None:
        """A point that was asked for before: its trial ends as the first one does."""
        if same in self._open:
            self._open[same].followers.append(trial)
        else:
            self._study.repeat(trial, self._known[same])

    def _tell_pruner(self, trial: OpenTrial) -> bool:
        """Report every epoch that all seeds have reached; whether the trial should end."""
        ends = False
        for epoch, mean in trial.means():
            ends = self._study.report(trial.trial, epoch, mean) or ends
            trial.heard = epoch
        return ends

    def _end(self, trial: OpenTrial, value: float | None = None, error: str | None = None) -> None:
        if value is not None and not math.isfinite(value):
            value, error = None, "its score is no number"
        self._study.tell(trial.trial, value, error)
        same = self._same(trial.trial)
        state: TrialState = "failed" if error is not None else "pruned" if value is None else "done"
        ended = self._known[same] = replace(
            trial.trial, state=state, value=value, error=error, reported=self._reported(trial)
        )
        del self._open[same]
        trial.ended = True
        for follower in trial.followers:
            self._study.repeat(follower, ended)

    def _reported(self, trial: OpenTrial) -> Scores:
        """What the pruner has heard of a trial, for those that repeat it."""
        if not self._prunes:
            return {}
        whole = replace(trial, heard=0)
        return {epoch: mean for epoch, mean in whole.means() if epoch <= trial.heard} | dict(trial.trial.reported)
