"""What may be searched: the names of a space, what their values must be, and a sweep with one point's values in it."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from panda_ray.errors import InputError
from panda_ray.methods import get_method
from panda_ray.sweep import MethodSection, Sweep
from panda_ray.sweep.hyperparameters import TaskSection, TrainingSection, TunedTraining
from panda_ray.sweep.search_section import Choice, RangeSection, SearchSection

Point = Mapping[str, Choice]
"""A value for each name of a space."""

OPTION = "options."
"""What the names of a method's options begin with."""

SHARED_WITH_SOURCES = ("prompt_len", "position_offset")
"""What a prompt that comes from a source has already, so that only methods without sources may search it."""

_PER_TASK = tuple(name for name in TaskSection.model_fields if name in TrainingSection.model_fields)
_WHOLE = ("int_from_float", "int_type")


def section_of(sweep: Sweep) -> SearchSection:
    """What a sweep searches."""
    assert sweep.search is not None, "the sweep of a search"
    return sweep.search


def varied(sweep: Sweep, method: MethodSection, target: str, point: Point) -> tuple[Sweep, MethodSection]:
    """The sweep and the method under the values of a point, for trainings on a target.

    Raises:
        InputError: values that each are allowed do not go together.
    """
    options = {name.removeprefix(OPTION): value for name, value in point.items() if name.startswith(OPTION)}
    training = {name: value for name, value in point.items() if not name.startswith(OPTION)}
    of_task = {name: value for name, value in training.items() if name in _PER_TASK}
    tasks = {**sweep.tasks, target: sweep.tasks.get(target, TaskSection()).model_copy(update=of_task)}
    try:
        changed = with_values(sweep.training, training)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or first.get("ctx", {}).get("at", "")
        raise InputError(f"training.{place}: {first['msg']}") from error
    own = {"options": method.options | options, "training": _without(method.training, training)}
    return sweep.model_copy(update={"training": changed, "tasks": tasks}), method.model_copy(update=own)


def _without(own: TunedTraining, searched: Mapping[str, Any]) -> TunedTraining:
    """What a method's entry says of itself, but for what a point says."""
    return TunedTraining.model_validate(own.model_dump(exclude_unset=True, exclude=set(searched)))


def with_values(training: TrainingSection, values: Mapping[str, Any]) -> TrainingSection:
    """The section with other values, checked as if they stood in the file."""
    return TrainingSection.model_validate(training.model_dump(exclude_unset=True) | dict(values))


def is_whole(sweep: Sweep, name: str) -> bool:
    """Whether the values of a name are whole numbers."""
    return any(_refuses_halves(*checked) for checked in _checks(sweep, name))


def _refuses_halves(model: type[BaseModel], given: Mapping[str, Any], field: str) -> bool:
    try:
        model.model_validate({**given, field: 0.5})
    except ValidationError as error:
        return any(problem["type"] in _WHOLE for problem in error.errors())
    return False


def problems_of_value(sweep: Sweep, name: str, value: Choice) -> Iterator[ValidationError]:
    """Why a name does not take a value, from whoever would be given it."""
    for model, given, field in _checks(sweep, name):
        try:
            model.model_validate({**given, field: value})
        except ValidationError as error:
            yield error


def _checks(sweep: Sweep, name: str) -> Iterator[tuple[type[BaseModel], Mapping[str, Any], str]]:
    """The models that read a name, what else they are given, and what the name is to them."""
    if name.startswith(OPTION):
        for section in sweep.methods:
            yield get_method(section.method).Options, section.options, name.removeprefix(OPTION)
    else:
        yield TrainingSection, sweep.training.model_dump(exclude_unset=True), name


def values_of(dimension: Sequence[Choice] | RangeSection) -> list[Choice]:
    """All values of a list, or of a range with a step."""
    if not isinstance(dimension, RangeSection):
        return list(dimension)
    assert dimension.step is not None, "a range without a step has no list of values"
    count = int((dimension.high - dimension.low) / dimension.step + 1e-9) + 1
    return [dimension.low + index * dimension.step for index in range(count)]


def count_points(sweep: Sweep) -> int | None:
    """Points of a space; None where there is no end of them."""
    count = 1
    for name, dimension in section_of(sweep).space.items():
        if isinstance(dimension, RangeSection) and dimension.step is None:
            if not is_whole(sweep, name):
                return None
            count *= int(dimension.high) - int(dimension.low) + 1
        else:
            count *= len(values_of(dimension))
    return count


def wanted(sweep: Sweep) -> int:
    """Distinct points of each study."""
    there_are, asked = count_points(sweep), section_of(sweep).trials
    return min(count for count in (there_are, asked) if count is not None)


def all_points(sweep: Sweep) -> list[Point]:
    """Every point of a space whose dimensions are lists or have a step."""
    values = [values_of(dimension) for dimension in section_of(sweep).space.values()]
    return [dict(zip(section_of(sweep).space, chosen, strict=True)) for chosen in itertools.product(*values)]


def drawn_points(sweep: Sweep, count: int) -> list[Point]:
    """So many points as they might be proposed, drawn evenly: for estimates."""
    generator = random.Random(section_of(sweep).sampler_seed)
    return [
        {
            name: _drawn(dimension, is_whole(sweep, name), generator)
            for name, dimension in section_of(sweep).space.items()
        }
        for _ in range(count)
    ]


def _drawn(dimension: Sequence[Choice] | RangeSection, whole: bool, generator: random.Random) -> Choice:
    if not isinstance(dimension, RangeSection):
        return generator.choice(list(dimension))
    if dimension.step is not None:
        return generator.choice(values_of(dimension))
    low, high, share = float(dimension.low), float(dimension.high), generator.random()
    drawn = math.exp(math.log(low) + math.log(high / low) * share) if dimension.log else low + (high - low) * share
    return round(drawn) if whole else drawn
