"""The section `search:`: which hyper-parameters are searched, how points are proposed, and who stops early.

What a name of the space means, and whether a value is one that it takes, is checked by `sweep_file`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from panda_ray.sweep.section import Section

Choice = bool | int | float | str
"""A value that a study's storage keeps as it is."""

Sampler = Literal["grid", "tpe", "random", "cmaes"]
WarmStartName = Literal["none", "similar"]
PrunerName = Literal["none", "median", "halving", "wilcoxon"]

_MOST_TRIALS = 1_000_000
_MOST_SAMPLER_SEED = 2**32 - 1
"""What NumPy's generators take."""


class RangeSection(Section):
    """A range of numbers, both ends included; whole numbers where the hyper-parameter is one."""

    low: int | float
    high: int | float
    log: bool = False
    """Even on a logarithmic scale."""
    step: int | float | None = Field(default=None, gt=0)
    """Only low, low + step, low + 2 step, ..."""

    @model_validator(mode="after")
    def _holds_values(self) -> RangeSection:
        if self.low >= self.high:
            said = {"low": self.low, "high": self.high, "at": "high"}
            raise PydanticCustomError("empty_range", "must be above `low`, and {high} is not above {low}", said)
        if self.log and self.low <= 0:
            said = {"low": self.low, "at": "low"}
            raise PydanticCustomError("log_range", "must be above 0 on a logarithmic scale, not {low}", said)
        if self.log and self.step is not None:
            raise PydanticCustomError("log_step", "has no meaning on a logarithmic scale", {"at": "step"})
        return self


def _choices_or_range(value: Any) -> Any:
    """A list or a section; anything else is told here, because the branches of a union tell it twice."""
    if isinstance(value, list):
        return _choices(value)
    if isinstance(value, dict | RangeSection):
        return RangeSection.model_validate(value)
    said = {"value": repr(value)}
    raise PydanticCustomError(
        "dimension", "must be a list of values, or a range with `low` and `high`, not {value}", said
    )


def _choices(values: list[Any]) -> list[Any]:
    if len(values) < 2:
        raise PydanticCustomError(
            "one_choice", "needs at least two values; one alone goes into `training` or `options`"
        )
    for index, value in enumerate(values):
        if not isinstance(value, Choice):
            said = {"value": repr(value), "at": index}
            raise PydanticCustomError("choice", "must be a number, text, true or false, not {value}", said)
        if value in values[:index]:
            raise PydanticCustomError(
                "duplicate", "the value {value} is listed twice", {"value": repr(value), "at": index}
            )
    return values


Dimension = Annotated[list[Choice] | RangeSection, BeforeValidator(_choices_or_range)]


class SearchSection(Section):
    """A search in place of a grid: the score of each point is the mean over `seeds`, and higher is better.

    With `protocol: paper` points are chosen by the score that is reported; with `honest` one half of the dev set
    chooses and the other one is reported.
    """

    space: dict[str, Dimension] = Field(min_length=1)
    """By name, a list of values or a range: keys of `training`, and options of the methods as `options.NAME`. Only the
    training whose score counts is varied: source prompts, teachers and embeddings are those of the sweep."""
    sampler: Sampler = "tpe"
    """`grid` tries every point; the others are Optuna's with its defaults. `cmaes` needs two ranges."""
    trials: int | None = Field(default=None, gt=0, le=_MOST_TRIALS)
    """Distinct points per study. Not with `grid`, which has all of them."""
    pruner: PrunerName = "none"
    """Who stops after an epoch: `median` the worse half, `halving` half of them after a 16th, an 8th, a quarter and
    a half of the most epochs, `wilcoxon` whoever is behind the best point epoch by epoch."""
    warm_start: WarmStartName = "none"
    """`similar`: a study begins with the best points of up to three finished ones of the same space, method and sources
    on tasks that are among the sweep's sources, the most similar task first, as the first of `metrics` sees it."""
    sampler_seed: int = Field(default=0, ge=0, le=_MOST_SAMPLER_SEED)
    storage: str | None = Field(default=None, min_length=1)
    """Where studies are kept: a database URL as SQLAlchemy takes it, or the path of a journal file; `search.db` in a
    local store unless given."""

    @model_validator(mode="after")
    def _sampler_suits_the_space(self) -> SearchSection:
        ranges = [name for name, dimension in self.space.items() if isinstance(dimension, RangeSection)]
        if self.sampler == "grid":
            self._check_grid()
        elif self.trials is None:
            said = {"sampler": repr(self.sampler), "at": "trials"}
            raise PydanticCustomError("no_trials", "is missing: the sampler {sampler} needs the number of points", said)
        if self.sampler == "cmaes" and len(ranges) < 2:
            few = {"count": len(ranges), "at": "sampler"}
            raise PydanticCustomError(
                "few_ranges", "needs at least two ranges with 'cmaes', and the space has {count}", few
            )
        return self

    def _check_grid(self) -> None:
        if self.trials is not None:
            raise PydanticCustomError(
                "grid_trials", "has no meaning with the sampler 'grid': all points are tried", {"at": "trials"}
            )
        if self.warm_start != "none":
            raise PydanticCustomError(
                "warm_grid", "has no meaning with the sampler 'grid': all points are tried", {"at": "warm_start"}
            )
        for name, dimension in self.space.items():
            if isinstance(dimension, RangeSection) and dimension.step is None:
                raise PydanticCustomError(
                    "endless_grid", "has no `step`: a grid needs a list, or a range with one", {"at": ("space", name)}
                )
