"""Distributions, samplers and pruners of Optuna's, made from a sweep's `search:`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner, WilcoxonPruner
from optuna.samplers import BaseSampler, BruteForceSampler, CmaEsSampler, RandomSampler, TPESampler

from panda_ray.search.pruning import first_rung
from panda_ray.sweep.search_section import Choice, PrunerName, RangeSection, Sampler

Part = TypeVar("Part", BaseSampler, BasePruner)


def distribution(dimension: Sequence[Choice] | RangeSection, whole: bool) -> BaseDistribution:
    """What Optuna draws a value from.

    Args:
        whole: a range is of whole numbers.
    """
    if not isinstance(dimension, RangeSection):
        return CategoricalDistribution(list(dimension))
    low, high, step = dimension.low, dimension.high, dimension.step
    if whole:
        return IntDistribution(int(low), int(high), log=dimension.log, step=int(step or 1))
    return FloatDistribution(float(low), float(high), log=dimension.log, step=step)


def sampler(name: Sampler, seed: int) -> BaseSampler:
    """A sampler with Optuna's defaults.

    Args:
        seed: another one for each trial, so that whoever goes on with a study draws what would have been drawn.
    """
    makers: Mapping[Sampler, Callable[[], BaseSampler]] = {
        "grid": lambda: BruteForceSampler(seed=seed),
        "tpe": lambda: TPESampler(seed=seed),
        "random": lambda: RandomSampler(seed=seed),
        "cmaes": lambda: CmaEsSampler(seed=seed, warn_independent_sampling=False),
    }
    return _made(makers[name])


def pruner(name: PrunerName, most_epochs: int) -> BasePruner:
    """A pruner with Optuna's defaults, but that halving begins later and stops a half, not three quarters."""
    makers: Mapping[PrunerName, Callable[[], BasePruner]] = {
        "none": NopPruner,
        "median": MedianPruner,
        "halving": lambda: SuccessiveHalvingPruner(min_resource=first_rung(most_epochs), reduction_factor=2),
        "wilcoxon": WilcoxonPruner,
    }
    return _made(makers[name])


def _made(maker: Callable[[], Part]) -> Part:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return maker()
