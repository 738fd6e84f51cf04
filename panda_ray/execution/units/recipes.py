"""Methods and metrics as a sweep uses them: plug-in, label and options, resolved once per sweep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from panda_ray.errors import InputError
from panda_ray.execution.units.configs import Level, resolve_config
from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.methods import METHODS, PairSimilarities, get_method, requirement
from panda_ray.metrics import METRICS, MetricChoice, PairMetric, TriedPairMetric, get_metric
from panda_ray.sweep import MethodSection, Sweep
from panda_ray.sweep.hyperparameters import Chosen
from panda_ray.sweep.named_tasks import task_of
from panda_ray.training.config import TrainConfig

Options = TypeVar("Options", bound=BaseModel)


class MethodRecipe:
    """One method of a sweep, or what a tuned file makes of it for one cell.

    Args:
        tasks: that its cells may train on.
        chosen: by a search, for the cell that this is for.

    Attributes:
        options: as canonical data, defaults included: all of them enter the key.
        requires: what its cells depend on.
        configs: per task, the hyper-parameters of its training.
        levels: per task, where each of them comes from.
        option_levels: where the options come from that somebody gave.
        chosen: as given.
    """

    def __init__(
        self, section: MethodSection, sweep: Sweep, tasks: Iterable[str], chosen: Chosen | None = None
    ) -> None:
        method = self.method = get_method(section.method)
        self.label, self.chosen = section.title, chosen
        where = f"method {section.title!r}" if chosen is None else f"chosen for {chosen.cell}"
        options = _checked(method.Options, (chosen.options if chosen else {}) | section.options, where)
        self.requires = method.requires(options)
        if (weighed := requirement(PairSimilarities, self.requires)) is not None:
            metric = weighed.metric
            _checked(get_metric(metric.metric).Options, metric.options, f"{where}, metric {metric.metric!r}")
        self.options: Mapping[str, Any] = options.model_dump(mode="json")
        self.option_levels: Mapping[str, Level] = {
            **dict.fromkeys(chosen.options if chosen else {}, "tuned"),
            **dict.fromkeys(section.options, "options"),
        }
        self.configs: dict[str, TrainConfig] = {}
        self.levels: dict[str, Mapping[str, Level]] = {}
        self._tasks = {name: task_of(name, sweep.tasks) for name in tasks}
        for task in self._tasks.values():
            published = method.hyperparameters(task, options)
            tuned = chosen.training if chosen else None
            config, levels = resolve_config(sweep, task, published, tuned, section.training)
            self.configs[task.name] = method.config(config, task.size_class, options)
            changed = {
                name for name, value in asdict(self.configs[task.name]).items() if getattr(config, name) != value
            }
            self.levels[task.name] = {**levels, **dict.fromkeys(changed, "method")}
        self._section, self._sweep = section, sweep
        listed = sweep.hyperparameters.of(section.method, section.title) if sweep.hyperparameters else ()
        self._listed = {(each.backbone, _donors(each.sources), each.task): each for each in listed}
        self._tuned: dict[str, MethodRecipe] = {}

    def takes(self, sources: tuple[str, ...], target: str) -> bool:
        """Whether there is a cell of these sources and the target."""
        return all(self.method.takes(self._tasks[source], self._tasks[target]) for source in sources)

    def at(self, backbone: str, sources: tuple[str, ...], task: str) -> MethodRecipe:
        """The recipe of one cell: itself, unless the tuned file has something for the cell."""
        if not self._listed:
            return self
        chosen = self._listed.get((backbone, sources, task)) or self._listed.get((backbone, None, task))
        if chosen is None:
            return self
        if chosen.cell not in self._tuned:
            self._tuned[chosen.cell] = MethodRecipe(self._section, self._sweep, [task], chosen)
        return self._tuned[chosen.cell]

    def first_unit(self, backbone: BackboneRef, data: DataRef) -> Unit:
        """What all trainings of this method on one task are siblings of."""
        return Unit(
            "prompt",
            self.method.name,
            METHODS.version_in_keys(self.method.name, self.method.version),
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

    @property
    def judges_pairs(self) -> bool:
        """Whether an embedding is of a source's prompt on the rows of a target, not of a prompt alone."""
        return isinstance(self.metric, PairMetric) or self.trains is not None

    @property
    def trains(self) -> str | None:
        """The method that a pair is trained by, where its result is what an embedding is taken of."""
        return self.metric.trains if isinstance(self.metric, TriedPairMetric) else None

    def says(self, choice: MetricChoice) -> bool:
        """Whether this is the metric that a method asks for, under the same options."""
        return choice.model_dump(mode="json") == {"metric": self.metric.name, "options": self.options}

    def first_unit(self, backbone: BackboneRef, data: DataRef) -> Unit:
        """What all embeddings of this metric on one task are siblings of."""
        version = METRICS.version_in_keys(self.metric.name, self.metric.version)
        return Unit("embedding", self.metric.name, version, backbone, data, seed=0, options=self.options)


def _donors(sources: list[str] | None) -> tuple[str, ...] | None:
    return None if sources is None else tuple(sources)


def _checked(schema: type[Options], values: Mapping[str, Any], where: str) -> Options:
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or first.get("ctx", {}).get("at", "")
        raise InputError(f"{where}, option {place!r}: {first['msg']}") from error
