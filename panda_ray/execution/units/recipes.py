"""Methods and metrics as a sweep uses them: plug-in, label and options, resolved once per sweep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from panda_ray.errors import InputError
from panda_ray.execution.units.configs import resolve_config
from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.methods import PairSimilarities, get_method, requirement
from panda_ray.metrics import MetricChoice, get_metric
from panda_ray.sweep import MethodSection, Sweep
from panda_ray.tasks import get_task

Options = TypeVar("Options", bound=BaseModel)


class MethodRecipe:
    """One method of a sweep.

    Args:
        tasks: that its cells may train on.

    Attributes:
        options: as canonical data, defaults included: all of them enter the key.
        requires: what its cells depend on.
        configs: per task, the hyper-parameters of its training.
    """

    def __init__(self, section: MethodSection, sweep: Sweep, tasks: Iterable[str]) -> None:
        method = self.method = get_method(section.method)
        self.label = section.title
        options = _checked(method.Options, section.options, f"method {section.title!r}")
        self.requires = method.requires(options)
        if (weighed := requirement(PairSimilarities, self.requires)) is not None:
            metric = weighed.metric
            where = f"method {section.title!r}, metric {metric.metric!r}"
            _checked(get_metric(metric.metric).Options, metric.options, where)
        self.options: Mapping[str, Any] = options.model_dump(mode="json")
        self.configs = {}
        for task in map(get_task, tasks):
            config = resolve_config(sweep, task, method.hyperparameters(task, options))
            self.configs[task.name] = method.config(config, task.size_class)

    def first_unit(self, backbone: BackboneRef, data: DataRef) -> Unit:
        """What all trainings of this method on one task are siblings of."""
        return Unit(
            "prompt",
            self.method.name,
            self.method.version,
            backbone,
            data,
            seed=0,
            config=self.configs[data.task],
            options=self.options,
        )


class MetricRecipe:
    """One transferability metric of a sweep, and its options as canonical data.

    Args:
        label: its name in tables and charts.
    """

    def __init__(self, name: str, options: Mapping[str, Any], label: str) -> None:
        self.metric = get_metric(name)
        self.label = label
        checked = _checked(self.metric.Options, options, f"metric {label!r}")
        self.options: Mapping[str, Any] = checked.model_dump(mode="json")

    def says(self, choice: MetricChoice) -> bool:
        """Whether this is the metric that a method asks for, under the same options."""
        return choice.model_dump(mode="json") == {"metric": self.metric.name, "options": self.options}

    def first_unit(self, backbone: BackboneRef, data: DataRef) -> Unit:
        """What all embeddings of this metric on one task are siblings of."""
        return Unit("embedding", self.metric.name, self.metric.version, backbone, data, seed=0, options=self.options)


def _checked(schema: type[Options], values: Mapping[str, Any], where: str) -> Options:
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or first.get("ctx", {}).get("at", "")
        raise InputError(f"{where}, option {place!r}: {first['msg']}") from error
