"""Vanilla prompt transfer (PoT, Vu et al. 2022 "SPoT"): the source prompt is the initial prompt of the target."""

from __future__ import annotations

from panda_ray.methods.method import Inputs, MethodOptions, Needs
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member


class PoT:
    """The prompt starts as the source prompt, the head is fresh; then ordinary training on the target."""

    name = "pot"
    version = 1
    summary = "transfer by initialisation: the prompt starts as the source prompt (SPoT)"
    uses_source = True
    is_cell = True
    teacher_passes = 0
    Options: type[MethodOptions] = MethodOptions

    def needs(self, options: MethodOptions) -> Needs:
        return Needs(source_prompt=True)

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        return task.hyperparameters

    def config(self, config: TrainConfig, size_class: SizeClass) -> TrainConfig:
        return config

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        assert inputs.source_prompt is not None, "the planner provides what `needs` asks for"
        return Member(inputs.name, inputs.seed, inputs.config.lr, inputs.source_prompt.prefix_LKNPH)
