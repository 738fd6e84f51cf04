"""PanDa (Zhong et al.): the source prompt teaches a fresh student prompt, weighted by predicted transferability.

The student minimises L = L_ce + lambda * sim * L_kd (Eq. 5). What the released code does differently is the preset
`official_code`: logits instead of probabilities, a mean over the batch that is divided by the batch again, the weight
0.1 * beta, and no similarity.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from panda_ray.methods.method import Inputs, MethodOptions, Needs, fresh_prefix
from panda_ray.prompts.prompt import Prompt
from panda_ray.seeding import generator
from panda_ray.tasks.task import SizeClass
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Distillation, KdLoss, Member

_OFFICIAL_FACTOR = 0.1


class PandaOptions(MethodOptions):
    """Options of PanDa; the defaults are the paper's."""

    preset: Literal["paper", "official_code"] = "paper"
    """`official_code` replaces `kd_loss`, `kd_weight` and `metric` by what the released code does."""
    teacher: Literal["target_like", "source", "random"] = "target_like"
    kd_loss: KdLoss = "mse_prob"
    kd_weight: float = Field(default=0.05, ge=0)
    """lambda of Eq. 5."""
    metric: str = "task_embedding"
    """Transferability metric that gives `sim`."""
    clamp: bool = False
    """Count a negative similarity as 0."""
    beta: float = Field(default=1.0, ge=0)
    """Weight of the released code, used by the preset `official_code` only."""


class Panda:
    """A student prompt from the initialiser, trained on the target and on a frozen teacher's outputs."""

    name = "panda"
    version = 1
    summary = "transfer by distillation, weighted with the predicted transferability of the pair (PanDa)"
    uses_source = True
    is_cell = True
    teacher_passes = 1
    Options: type[MethodOptions] = PandaOptions

    def needs(self, options: MethodOptions) -> Needs:
        assert isinstance(options, PandaOptions)
        return Needs(
            source_prompt=options.teacher == "source",
            teacher=options.teacher == "target_like",
            similarity=options.metric if options.preset == "paper" else None,
        )

    def config(self, config: TrainConfig, size_class: SizeClass) -> TrainConfig:
        return config

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        assert isinstance(options, PandaOptions)
        official = options.preset == "official_code"
        distillation = Distillation(
            teacher=_teacher(inputs, options),
            student_head=options.teacher != "target_like",
            weight=_OFFICIAL_FACTOR * options.beta if official else options.kd_weight * _similarity(inputs, options),
            loss="mse_logit" if official else options.kd_loss,
            reduction="released_code" if official else "sum_classes",
        )
        return Member(inputs.name, inputs.seed, inputs.config.lr, fresh_prefix(inputs), distillation)


def _similarity(inputs: Inputs, options: PandaOptions) -> float:
    assert inputs.similarity is not None, "the planner provides what `needs` asks for"
    return max(inputs.similarity, 0.0) if options.clamp else inputs.similarity


def _teacher(inputs: Inputs, options: PandaOptions) -> Prompt:
    if options.teacher == "random":
        prefix = fresh_prefix(inputs, generator(inputs.seed, "random-teacher"))
        return Prompt.without_head(prefix, inputs.geometry.hidden)
    prompt = inputs.teacher if options.teacher == "target_like" else inputs.source_prompt
    assert prompt is not None, "the planner provides what `needs` asks for"
    return prompt
