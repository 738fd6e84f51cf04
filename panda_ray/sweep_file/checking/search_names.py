"""Names and values of `search.space` against what the sweep may vary."""

from __future__ import annotations

from collections.abc import Iterator

from panda_ray.errors import unknown_name
from panda_ray.methods import METHODS, Method
from panda_ray.methods.trains import NOTHING
from panda_ray.search.space import OPTION, SHARED_WITH_SOURCES, problems_of_value
from panda_ray.sweep import Sweep
from panda_ray.sweep.hyperparameters import TrainingSection
from panda_ray.sweep.search_section import Choice, RangeSection
from panda_ray.sweep_file.checking.messages import explain_value
from panda_ray.sweep_file.yaml_source import Path, Places


def search_problems(sweep: Sweep, places: Places) -> Iterator[str]:
    """One sentence per name that cannot be searched and per value that its name does not take; one for a warm start."""
    if sweep.search is not None and sweep.search.warm_start != "none" and not sweep.metrics:
        place = places.find(("search", "warm_start"))
        yield f"{place}: search.warm_start: needs a metric that says which tasks are similar; list one in `metrics`"
    methods = [METHODS.get(section.method) for section in sweep.methods if section.method in METHODS]
    if sweep.search is None or len(methods) < len(sweep.methods):  # an unknown method is told elsewhere
        return
    for name, dimension in sweep.search.space.items():
        path: Path = ("search", "space", name)
        if problem := _name_problem(name, methods, places.find(path)):
            yield problem
            continue
        ends: dict[str | int, Choice] = dict(enumerate(dimension)) if isinstance(dimension, list) else {}
        if isinstance(dimension, RangeSection):
            ends = {"low": dimension.low, "high": dimension.high}
        for end, value in ends.items():
            for error in problems_of_value(sweep, name, value):
                yield from explain_value(error, places, (*path, end))


def _name_problem(name: str, methods: list[Method], place: str) -> str | None:
    """What is wrong with a name of the space."""
    lacking = [method.name for method in methods if name.removeprefix(OPTION) not in method.Options.model_fields]
    options = {f"{OPTION}{option}" for method in methods for option in method.Options.model_fields}
    if name in options and lacking:
        option = name.removeprefix(OPTION)
        return f"{place}: search.space: {lacking[0]} has no option {option!r}; search it in a sweep without that method"
    if name not in options and name not in TrainingSection.model_fields:
        return str(unknown_name("hyper-parameter", name, [*TrainingSection.model_fields, *options], place))
    idle = [method.name for method in methods if method.trains(method.Options().model_dump()) == NOTHING]
    if name in TrainingSection.model_fields and idle:
        return (
            f"{place}: search.space: {idle[0]} trains nothing, so {name} cannot be searched in a sweep with that method"
        )
    of_sources = [method.name for method in methods if method.sources != "none"]
    if name in SHARED_WITH_SOURCES and of_sources:
        return (
            f"{place}: search.space: {name} is that of the source prompts for {of_sources[0]}, so it cannot be searched"
        )
    return None
