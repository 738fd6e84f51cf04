"""Methods and metrics as a sweep uses them: plug-in, label and options, resolved once per sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from panda_ray.errors import InputError
from panda_ray.execution.unit import BackboneRef, DataRef, Unit
from panda_ray.methods import get_method
from panda_ray.metrics import get_metric
from panda_ray.sweep import MethodSection, MetricSection
from panda_ray.tasks import get_task
from panda_ray.training.config import TrainConfig

Options = TypeVar("Options", bound=BaseModel)


class MethodRecipe:
    """One method of a sweep.

    Attributes:
        options: as canonical data, defaults included: all of them enter the key.
        needs: what its cells depend on.
        configs: per task, the hyper-parameters of its training.
    """

    def __init__(self, section: MethodSection, configs: Mapping[str, TrainConfig]) -> None:
        self.method = get_method(section.method)
        self.label = section.title
        options = _checked(self.method.Options, section.options, f"method {section.title!r}")
        self.options: Mapping[str, Any] = options.model_dump(mode="json")
        self.needs = self.method.needs(options)
        self.configs = {task: self.method.config(config, get_task(task).size_class) for task, config in configs.items()}

    def first_unit(self, backbone: BackboneRef, data: DataRef) -> Unit:
        """What all trainings of this method on one task are siblings of."""
        return Unit(
            "train",
            self.method.name,
            self.method.version,
            backbone,
            data,
            seed=0,
            config=self.configs[data.task],
            options=self.options,
        )


class MetricRecipe:
    """One transferability metric of a sweep, and its options as canonical data."""

    def __init__(self, section: MetricSection) -> None:
        self.metric = get_metric(section.metric)
        self.label = section.title
        options = _checked(self.metric.Options, section.options, f"metric {section.title!r}")
        self.options: Mapping[str, Any] = options.model_dump(mode="json")

    def first_unit(self, backbone: BackboneRef, data: DataRef) -> Unit:
        """What all signatures of this metric on one task are siblings of."""
        return Unit("signature", self.metric.name, self.metric.version, backbone, data, seed=0, options=self.options)


def _checked(schema: type[Options], values: Mapping[str, Any], where: str) -> Options:
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}, option {place!r}: {first['msg']}") from error
