"""PanDa (Zhong et al.): the source prompt teaches a fresh student prompt, weighted by predicted transferability.

The student minimises L = L_ce + lambda * sim * L_kd (Eq. 5). The preset `official_code` does what the released code
does differently: L = L_ce + 0.1 * beta * mse(logits, teacher's logits) / B, where the mean runs over the batch *and*
the classes, without the similarity; the teacher is the PoT run of the same pair, at the epoch that its protocol
selects; CB is trained with a learning rate of its own unless the sweep file gives one.

In two points the preset is not the released code. Its teacher is in training mode there, so its dropout draws anew at
each step; here a teacher's outputs are constants. And for tagging (or answers in a text) the released mean also runs
over padded positions, which makes the loss depend on what else is in the batch; here it runs over the positions that
count (or the tokens of the row).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from panda_ray.methods.method import Inputs, MethodOptions, Needs, fresh_prefix
from panda_ray.metrics import MetricChoice
from panda_ray.prompts.prompt import Prompt
from panda_ray.seeding import generator
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Distillation, KdLoss, Member

_OFFICIAL_FACTOR = 0.1
_OFFICIAL_LR: Mapping[str, float] = {"cb": 7e-3}
"""Learning rates of the released scripts that are not those of Table I."""

_WITHOUT_EFFECT: Mapping[str, tuple[str, ...]] = {
    "paper": ("beta",),
    "official_code": ("teacher", "kd_loss", "kd_weight", "metric", "clamp"),
}
"""Options that a preset does not read: naming one is an error, and none of them is part of a key."""


class PandaOptions(MethodOptions):
    """Options of PanDa; the defaults are the paper's."""

    preset: Literal["paper", "official_code"] = "paper"
    """`official_code` decides teacher, loss, weight and the (missing) similarity as the released code does."""
    teacher: Literal["target_like", "source", "random"] = "target_like"
    kd_loss: KdLoss = "mse_prob"
    kd_weight: float = Field(default=0.05, ge=0)
    """lambda of Eq. 5."""
    metric: MetricChoice = MetricChoice(metric="task_embedding")
    """Transferability metric that gives `sim`: its name, or `{metric: NAME, options: {...}}`."""
    clamp: bool = False
    """Count a negative similarity as 0."""
    beta: float = Field(default=0.1, ge=0)
    """Weight of the released code: of the preset `official_code` only."""

    @model_validator(mode="after")
    def _only_options_with_effect(self) -> PandaOptions:
        for name in _WITHOUT_EFFECT[self.preset]:
            if name in self.model_fields_set:
                said = {"preset": repr(self.preset), "at": name}
                raise PydanticCustomError("no_effect", "has no effect under the preset {preset}", said)
        return self

    @model_serializer(mode="wrap")
    def _with_effect(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        options: dict[str, Any] = serialize(self)
        return {name: value for name, value in options.items() if name not in _WITHOUT_EFFECT[self.preset]}


class Panda:
    """A student prompt from the initialiser, trained on the target and on a frozen teacher's outputs."""

    name = "panda"
    version = 2
    summary = "transfer by distillation, weighted with the predicted transferability of the pair (PanDa)"
    uses_source = True
    is_cell = True
    teacher_passes = 1
    Options: type[MethodOptions] = PandaOptions

    def needs(self, options: MethodOptions) -> Needs:
        assert isinstance(options, PandaOptions)
        if options.preset == "official_code":
            return Needs(teacher="pot")
        return Needs(
            source_prompt=options.teacher == "source",
            teacher="teacher" if options.teacher == "target_like" else None,
            similarity=options.metric,
        )

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        assert isinstance(options, PandaOptions)
        published = task.hyperparameters
        if options.preset == "official_code":
            return replace(published, lr=_OFFICIAL_LR.get(task.name, published.lr))
        return published

    def config(self, config: TrainConfig, size_class: SizeClass) -> TrainConfig:
        return config

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        assert isinstance(options, PandaOptions)
        return Member(inputs.name, inputs.seed, inputs.config.lr, fresh_prefix(inputs), _distillation(inputs, options))


def _distillation(inputs: Inputs, options: PandaOptions) -> Distillation:
    if options.preset == "official_code":
        assert inputs.teacher is not None, "the planner provides what `needs` asks for"
        return Distillation(
            teacher=inputs.teacher,
            student_head=False,
            weight=_OFFICIAL_FACTOR * options.beta,
            loss="mse_logit",
            reduction="released_code",
        )
    return Distillation(
        teacher=_teacher(inputs, options),
        student_head=options.teacher != "target_like",
        weight=options.kd_weight * _similarity(inputs, options),
        loss=options.kd_loss,
    )


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
