"""(a) and (b): panda_ray, many students in one stack or one alone."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.workloads.models import panda_backbone, student_prompt, teacher_prompt
from benchmarks.workloads.setting import KD_WEIGHT, Setting
from benchmarks.workloads.workload import make_task
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Distillation, Member
from panda_ray.training.trainables.prefix import prefix_part, prompt_part


def prepare(setting: Setting, width: int) -> Callable[[], list[float]]:
    """A training of `width` students; it returns the first one's mean loss of each epoch."""
    backbone, task = panda_backbone(setting), make_task(setting)
    members = [make_member(setting, task.spec.output_size, index) for index in range(width)]

    def train() -> list[float]:
        results = train_stack(backbone, task, members, setting.config)
        return [epoch.loss for epoch in results[0].history]

    return train


def make_member(setting: Setting, outputs: int, index: int) -> Member:
    """One student; those of a stack see the same examples, as a target's row of the grid does."""
    distillation = None
    if setting.method == "panda":
        distillation = Distillation(
            (prompt_part(teacher_prompt(setting, outputs, index)),), student_head=False, weight=KD_WEIGHT
        )
    start = student_prompt(setting, outputs)
    return Member(f"student {index}", setting.seed, setting.lr, prefix_part(start.prefix_LKNPH), distillation)
