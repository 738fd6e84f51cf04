"""Tune without a memory: the driver keeps nothing of a trial that ended.

Tune is made for experiments of which somebody wants a table at the end. It keeps each trial with its configuration (a
whole stack), its last result and statistics of it, and goes through all of them at every step.

It has no call that changes that. What is named here with an underscore belongs to Tune, and a release of Ray that
renames it ends every run with an `AttributeError`: tests see it before the range in pyproject.toml is widened.
"""

from __future__ import annotations

from typing import Any

from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import FIFOScheduler


class ForgettingScheduler(FIFOScheduler):
    """Starts trials in the order in which they came, and makes Tune's controller forget those that ended.

    Attributes:
        kept: workers without a trial that Tune keeps for the next one of their kind; it ends them when another kind
            waits.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept = 0
        self._ended: dict[Any, Any] = {}
        """Per trial, its controller."""

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        self._ended[trial] = tune_controller

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        self._ended[trial] = tune_controller

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """The next trial. Tune asks in every step, and by then has done with what ended in the last one."""
        self.kept = tune_controller._actor_cache.num_cached_objects
        ended, self._ended = self._ended, {}
        for trial, controller in ended.items():
            if trial.is_finished():  # and does not start again after the death of its worker
                _forget_trial(controller, trial)
                _forget_cancelled_actors(controller._actor_manager)
        return super().choose_trial_to_run(tune_controller)


class NoProgress(TrialProgressCallback):
    """Stands for the callback that Tune would add, which remembers what it printed of each trial."""

    def log_result(self, trial: Any, result: dict[str, Any], error: bool = False) -> None:
        """Nothing is printed: progress is the listeners' business."""

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Nothing is printed."""


def _forget_trial(controller: Any, trial: Any) -> None:
    controller._trials.remove(trial)
    for trials in (
        controller._live_trials,
        controller._stopped_trials,
        controller._failed_trials,
        controller._trials_to_cache,
    ):
        trials.discard(trial)
    controller._trial_metadata.pop(trial.trial_id, None)


def _forget_cancelled_actors(manager: Any) -> None:
    """Where another worker becomes free first, the one that was asked for never starts, and its order to stop waits."""
    tasks = manager._pending_actors_to_enqueued_actor_tasks
    for actor in tasks.keys() - manager._pending_actors_to_attrs.keys():
        del tasks[actor]
