"""Model tuning (fine-tuning; Devlin et al., 2019): all weights are trained on the task, and no prompt.

The PanDa paper states no learning rate for it; 2e-5 is one of those that BERT's paper recommends. Batch size and epochs
are the task's own (Table I), and a learning rate that a sweep file gives holds here too. What is kept are scores and
predictions: a model per cell would fill every store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.starts import without_prompt
from panda_ray.methods.trains import Trains
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member

_LR = 2e-5


class ModelTuning(Method):
    """All weights of the backbone, trained on the task."""

    name = "model_tuning"
    summary = "no prompt and no transfer: all weights are trained (fine-tuning); scores and predictions alone are kept"

    def trains(self, options: Mapping[str, Any]) -> Trains:
        return Trains("all weights", gradients="weights", most_members=1)

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        return replace(task.hyperparameters, lr=_LR)

    def config(self, config: TrainConfig, size_class: SizeClass, options: MethodOptions) -> TrainConfig:
        return without_prompt(config)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.training.trainables.model_weights import model_weights_part

        return Member(inputs.name, inputs.seed, inputs.config.lr, model_weights_part(), is_kept=False)
