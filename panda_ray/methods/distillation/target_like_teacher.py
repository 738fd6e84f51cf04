"""The target-like teacher of PanDa (Sec. III-C): what the source trained, adapted to the target for a short while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from panda_ray.methods.distillation.students import Student, goes_on_as, trained_by
from panda_ray.methods.method import Inputs, MethodOptions
from panda_ray.methods.pot import PoT
from panda_ray.methods.requirements import Requirement, SourcePrompts
from panda_ray.methods.trains import Trains
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member

_LARGE_TASK_STEPS = 1000


class TeacherOptions(MethodOptions):
    """Options of the target-like teacher."""

    UNSEEN_AT: ClassVar[Mapping[str, Any]] = {"student": "prompt_tuning"}

    student: Student = "prompt_tuning"
    """The method that trained the source, and trains the student."""


class TargetLikeTeacher(PoT):
    """PoT that stops after one epoch on small tasks, after 1,000 steps on large ones; a dependency, never a cell."""

    name = "teacher"
    summary = "the source prompt trained on the target for one epoch (small tasks) or 1,000 steps (large ones)"
    listed = False
    Options = TeacherOptions

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        assert isinstance(options, TeacherOptions)
        return (SourcePrompts(options.student),)

    def trains(self, options: Mapping[str, Any]) -> Trains:
        return trained_by(goes_on_as(options.get("student", "prompt_tuning")))

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        assert isinstance(options, TeacherOptions)
        method = goes_on_as(options.student)
        return method.hyperparameters(task, method.Options())

    def config(self, config: TrainConfig, size_class: SizeClass, options: MethodOptions) -> TrainConfig:
        assert isinstance(options, TeacherOptions)
        method = goes_on_as(options.student)
        config = method.config(config, size_class, method.Options())
        if size_class == "small":
            return replace(config, epochs=1)
        return replace(config, max_steps=_LARGE_TASK_STEPS)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        assert isinstance(options, TeacherOptions)
        if not inputs.trained:
            return super().member(inputs, options)
        (source,) = inputs.trained
        return Member(inputs.name, inputs.seed, inputs.config.lr, goes_on_as(options.student).kept_part(source))
