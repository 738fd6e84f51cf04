"""One study in Optuna's storage: asked for points, told what they gave, and the same after any restart.

A trial that is RUNNING is a point that is wanted, whoever asked for it: the lease on the search says that no other
driver is at work, and the store knows which units are done. So a dead driver's trials go on as they are, and Optuna's
heartbeat, which fails them after a while and makes others in their place, is not needed.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from panda_ray.search.in_optuna.optuna_parts import distribution, pruner, sampler
from panda_ray.search.in_optuna.optuna_storage import FINISHED
from panda_ray.search.trials import Trial, TrialState, WarmPoint
from panda_ray.search.warm.finished import FinishedStudy
from panda_ray.sweep.search_section import SearchSection

_STATES: Mapping[OptunaState, TrialState] = {
    OptunaState.WAITING: "running",
    OptunaState.RUNNING: "running",
    OptunaState.COMPLETE: "done",
    OptunaState.PRUNED: "pruned",
    OptunaState.FAIL: "failed",
}
_ERROR, _REPEATS, _ENDED, _SETTING, _WARM = "error", "repeats", "ended", "setting", "warm"
_FIXED = "fixed_params"
"""Optuna's name for the point of a trial that was enqueued."""


class OptunaStudy:
    """A study by its name.

    Args:
        whole: names of the space whose values are whole numbers.
        most_epochs: of any point.
    """

    def __init__(
        self, storage: BaseStorage, name: str, section: SearchSection, whole: Sequence[str], most_epochs: int
    ) -> None:
        self._section, self._name = section, name
        self._distributions = {key: distribution(dimension, key in whole) for key, dimension in section.space.items()}
        self._study = optuna.create_study(
            storage=storage,
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            pruner=pruner(section.pruner, most_epochs),
            sampler=RandomSampler(),  # tells need none; those that see the end of a grid stop a loop that is not there
        )

    @property
    def setting(self) -> Mapping[str, Any] | None:
        """What values of the study depend on besides their points, as it was noted; None for a new study."""
        noted = self._study.user_attrs.get(_SETTING)
        return None if noted is None else json.loads(noted)

    @setting.setter
    def setting(self, value: Mapping[str, Any]) -> None:
        self._study.set_user_attr(_SETTING, json.dumps(value, sort_keys=True))

    @property
    def ended(self) -> str | None:
        """Why the study ended before it had all its trials, or None."""
        return self._study.user_attrs.get(_ENDED)

    def end(self, why: str) -> None:
        """Ask for nothing more, now and later."""
        self._study.set_user_attr(_ENDED, why)

    def finish(self, finished: FinishedStudy) -> None:
        """Leave for later studies what this one has found."""
        if self._study.user_attrs.get(FINISHED) != finished.to_json():
            self._study.set_user_attr(FINISHED, finished.to_json())

    @property
    def warm(self) -> tuple[WarmPoint, ...] | None:
        """What the study began with, as it was noted; None where nothing was."""
        noted = self._study.user_attrs.get(_WARM)
        return None if noted is None else tuple(WarmPoint(**point) for point in noted)

    def begin_with(self, warm: Sequence[WarmPoint]) -> None:
        """Have points asked for first; where some were noted before, those.

        They are noted as a whole, so that whoever goes on after a kill begins with the same ones.
        """
        if self.warm is None:
            self._study.set_user_attr(_WARM, [asdict(point) for point in warm])
        for point in self.warm or ():
            self._study.enqueue_trial(dict(point.point), skip_if_exists=True)

    def fail_cut_short(self) -> None:
        """End the trials whose driver was killed while it asked for them: they have no point yet."""
        for found in self._study.get_trials(deepcopy=False, states=(OptunaState.RUNNING,)):
            if found.params.keys() != self._section.space.keys():
                if _FIXED in found.system_attrs:
                    self._study.enqueue_trial(found.system_attrs[_FIXED])
                self._study.tell(found.number, state=OptunaState.FAIL, skip_if_finished=True)

    def trials(self) -> list[Trial]:
        """All of them, in the order in which they were asked for, as far as they have a whole point."""
        found = self._study.get_trials(deepcopy=False)
        return [_trial(one) for one in found if one.params.keys() == self._section.space.keys()]

    def ask(self) -> Trial:
        """Another point, which may have been proposed before."""
        number = len(self._study.get_trials(deepcopy=False))
        before, self._study.sampler = self._study.sampler, sampler(self._section.sampler, self._seed(number))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return _trial(self._study.ask(self._distributions))
        finally:
            self._study.sampler = before

    def report(self, trial: Trial, epoch: int, score: float) -> bool:
        """Tell the pruner of an epoch; whether the trial should end there."""
        asked = optuna.Trial(self._study, self._id(trial))
        asked.report(score, epoch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Wilcoxon's of epochs that the best point does not have
            return asked.should_prune()

    def tell(self, trial: Trial, value: float | None, error: str | None = None) -> None:
        """End a trial: with its value, with an error, or pruned where there is neither. Once ended it stays so."""
        if error is not None:
            self._study._storage.set_trial_user_attr(self._id(trial), _ERROR, error)
        state = OptunaState.FAIL if error is not None else OptunaState.PRUNED if value is None else OptunaState.COMPLETE
        self._study.tell(trial.number, value, state, skip_if_finished=True)

    def repeat(self, trial: Trial, of: Trial) -> None:
        """End a trial as another one of the same point has ended."""
        self._study._storage.set_trial_user_attr(self._id(trial), _REPEATS, of.number)
        for epoch, score in of.reported.items():
            optuna.Trial(self._study, self._id(trial)).report(score, epoch)
        self.tell(trial, of.value, of.error)

    def _id(self, trial: Trial) -> int:
        return self._study._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, trial.number)

    def _seed(self, number: int) -> int:
        """The seed of a trial's draw: the same one whoever asks, and after any restart."""
        text = f"{self._section.sampler_seed} {self._name} {number}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _trial(found: FrozenTrial | optuna.Trial) -> Trial:
    if isinstance(found, optuna.Trial):
        return Trial(found.number, found.params, "running")
    return Trial(
        number=found.number,
        point=found.params,
        state=_STATES[found.state],
        value=found.value if found.state is OptunaState.COMPLETE else None,
        reported=found.intermediate_values,
        error=found.user_attrs.get(_ERROR),
        repeats=_REPEATS in found.user_attrs,
    )
