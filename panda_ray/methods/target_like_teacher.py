"""The target-like teacher of PanDa (Sec. III-C): the source prompt, adapted to the target for a short while."""

from __future__ import annotations

from dataclasses import replace

from panda_ray.methods.pot import PoT
from panda_ray.tasks.task import SizeClass
from panda_ray.training.config import TrainConfig

_LARGE_TASK_STEPS = 1000


class TargetLikeTeacher(PoT):
    """PoT that stops after one epoch on small tasks, after 1,000 steps on large ones; a dependency, never a cell."""

    name = "teacher"
    summary = "the source prompt trained on the target for one epoch (small tasks) or 1,000 steps (large ones)"
    listed = False

    def config(self, config: TrainConfig, size_class: SizeClass) -> TrainConfig:
        if size_class == "small":
            return replace(config, epochs=1)
        return replace(config, max_steps=_LARGE_TASK_STEPS)
