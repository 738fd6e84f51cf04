"""Vanilla prompt transfer (PoT, Vu et al. 2022 "SPoT"): the source prompt is the initial prompt of the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from panda_ray.methods.method import Inputs, MethodOptions, Sources
from panda_ray.methods.requirements import Requirement, SourcePrompts
from panda_ray.methods.trains import PREFIXES, Trains
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member


class PoT:
    """The prompt starts as the source prompt, the head is fresh; then ordinary training on the target."""

    name = "pot"
    version = 1
    summary = "transfer by initialisation: the prompt starts as the source prompt (SPoT)"
    sources: Sources = "one"
    listed = True
    Options: type[MethodOptions] = MethodOptions

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        return (SourcePrompts(),)

    def trains(self, options: Mapping[str, Any]) -> Trains:
        return PREFIXES

    def teacher_passes(self, sources: int) -> int:
        return 0

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        return task.hyperparameters

    def config(self, config: TrainConfig, size_class: SizeClass) -> TrainConfig:
        return config

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.training.trainables.prefix import prefix_part

        (source,) = inputs.source_prompts
        return Member(inputs.name, inputs.seed, inputs.config.lr, prefix_part(source.prefix_LKNPH))
