"""Which hyper-parameters mattered in a study, by Optuna's default evaluator (PED-ANOVA, Watanabe et al. 2023)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import optuna
from optuna.importance import get_param_importances
from optuna.trial import TrialState as OptunaState
from optuna.trial import create_trial

from panda_ray.search.in_optuna.optuna_parts import distribution
from panda_ray.search.trials import Trial
from panda_ray.sweep.search_section import Dimension

_FEWEST = 4
"""Values below which the best part of them is a single one."""


def importances(space: Mapping[str, Dimension], whole: Collection[str], trials: Sequence[Trial]) -> dict[str, float]:
    """How much of the differences between values each name explains, the most first; in sum 1.

    Args:
        whole: names whose values are whole numbers.
        trials: of which those with a value count.

    Returns:
        Nothing where fewer than four points have a value, or all have the same.
    """
    done = [trial for trial in trials if trial.value is not None]
    if len(done) < _FEWEST or len({trial.value for trial in done}) == 1:
        return {}
    distributions = {name: distribution(dimension, name in whole) for name, dimension in space.items()}
    study = optuna.create_study(direction="maximize")
    for trial in done:
        point = dict(trial.point)
        study.add_trial(
            create_trial(state=OptunaState.COMPLETE, params=point, distributions=distributions, value=trial.value)
        )
    return dict(get_param_importances(study))
