"""Prompt tuning without transfer (P-Tuning v2): the baseline of every gain, and how source prompts are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from panda_ray.methods.method import Inputs, MethodOptions, Sources, fresh_prefix
from panda_ray.methods.requirements import Requirement
from panda_ray.methods.trains import PREFIXES, Trains
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member


class PromptTuning:
    """The prompt starts from the initialiser and is trained on the task."""

    name = "prompt_tuning"
    version = 1
    summary = "no transfer: the prompt starts from the initialiser (P-Tuning v2)"
    sources: Sources = "none"
    listed = True
    Options: type[MethodOptions] = MethodOptions

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        return ()

    def trains(self, options: Mapping[str, Any]) -> Trains:
        return PREFIXES

    def teacher_passes(self, sources: int) -> int:
        return 0

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        return task.hyperparameters

    def config(self, config: TrainConfig, size_class: SizeClass) -> TrainConfig:
        return config

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        return Member(inputs.name, inputs.seed, inputs.config.lr, fresh_prefix(inputs))
