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
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from panda_ray.methods.distillation.students import STUDENTS, Student, goes_on_as, trained_by
from panda_ray.methods.method import Choice, Inputs, Method, MethodOptions
from panda_ray.methods.requirements import PairSimilarities, PairTeachers, Requirement, SourcePrompts
from panda_ray.methods.starts import fresh_prefix
from panda_ray.methods.trains import Trains
from panda_ray.metrics import MetricChoice
from panda_ray.seeding import generator
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Distillation, KdLoss, KdReduction, Member

if TYPE_CHECKING:
    from panda_ray.training.trainables.trainable import Part

_OFFICIAL_FACTOR = 0.1
_OFFICIAL_LR: Mapping[str, float] = {"cb": 7e-3}
"""Learning rates of the released scripts that are not those of Table I."""

_TEACHER: Mapping[str, tuple[Requirement, ...]] = {
    "target_like": (PairTeachers("teacher"),),
    "source": (SourcePrompts(),),
    "random": (),
}
"""What each teacher is made of."""


class PandaOptions(MethodOptions):
    """Options of PanDa; the defaults are the paper's."""

    WITHOUT_EFFECT: ClassVar[Mapping[Choice, tuple[str, ...]]] = {
        ("preset", "paper"): ("beta",),
        ("preset", "official_code"): (
            "teacher",
            "kd_loss",
            "kd_weight",
            "kd_temperature",
            "kd_reduction",
            "metric",
            "clamp",
            "student",
        ),
        ("kd_loss", "mse_logit"): ("kd_temperature",),
    }
    UNSEEN_AT: ClassVar[Mapping[str, Any]] = {
        "kd_temperature": 1.0,
        "kd_reduction": "mean",
        "student": "prompt_tuning",
    }

    preset: Literal["paper", "official_code"] = "paper"
    """`official_code` decides teacher, loss, weight and the (missing) similarity as the released code does."""
    student: Student = "prompt_tuning"
    """What source, teacher and student train (Fig. 6): the method of that name, under its default options."""
    teacher: Literal["target_like", "source", "random"] = "target_like"
    kd_loss: KdLoss = "mse_prob"
    kd_weight: float = Field(default=0.05, ge=0)
    """lambda of Eq. 5."""
    kd_temperature: float = Field(default=1.0, ge=0.1, le=100)
    """T of softmax(z / T), of teacher and student alike. L_kd is multiplied with T^2, because its gradients shrink
    like 1 / T^2: the effective weight stays lambda * sim (Hinton et al., 2015). No effect on regression, which has no
    softmax."""
    kd_reduction: KdReduction = "mean"
    """Of L_kd over a batch of B examples. `mean`: the effective weight beside L_ce, a mean itself, is lambda * sim.
    `sum` (Eq. 3 as it is printed): it is B times that, and so grows with the batch size."""
    metric: MetricChoice = MetricChoice(metric="task_embedding")
    """Transferability metric that gives `sim`: its name, or `{metric: NAME, options: {...}}`."""
    clamp: bool = False
    """Count a negative similarity as 0."""
    beta: float = Field(default=0.1, ge=0)
    """Weight of the released code: of the preset `official_code` only."""

    @model_validator(mode="after")
    def _teachers_of_others_are_target_like(self) -> PandaOptions:
        if self.student != "prompt_tuning" and self.teacher != "target_like":
            said = {"student": repr(self.student), "at": "teacher"}
            raise PydanticCustomError("only_target_like", "must be target_like for the student {student}", said)
        return self


class Panda(Method):
    """A student prompt from the initialiser, trained on the target and on a frozen teacher's outputs."""

    name = "panda"
    version = 2
    summary = "transfer by distillation, weighted with the predicted transferability of the pair (PanDa)"
    sources = "one"
    Options = PandaOptions

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        assert isinstance(options, PandaOptions)
        if options.preset == "official_code":
            return (PairTeachers("pot"),)
        weighed = PairSimilarities(options.metric)
        if options.student != "prompt_tuning":
            return PairTeachers("teacher", (("student", options.student),)), weighed
        return (*_TEACHER[options.teacher], weighed)

    def trains(self, options: Mapping[str, Any]) -> Trains:
        return trained_by(STUDENTS[options.get("student", "prompt_tuning")])

    def teacher_passes(self, sources: int) -> int:
        return 1

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        assert isinstance(options, PandaOptions)
        method = STUDENTS[options.student]
        published = method.hyperparameters(task, method.Options())
        if options.preset == "official_code":
            return replace(published, lr=_OFFICIAL_LR.get(task.name, published.lr))
        return published

    def config(self, config: TrainConfig, size_class: SizeClass, options: MethodOptions) -> TrainConfig:
        assert isinstance(options, PandaOptions)
        method = STUDENTS[options.student]
        return method.config(config, size_class, method.Options())

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        assert isinstance(options, PandaOptions)
        method = STUDENTS[options.student]
        return replace(method.member(inputs, method.Options()), distillation=_distillation(inputs, options))


def _distillation(inputs: Inputs, options: PandaOptions) -> Distillation:
    if options.preset == "official_code":
        return Distillation(
            (_teacher(inputs, options),),
            student_head=False,
            weight=_OFFICIAL_FACTOR * options.beta,
            loss="mse_logit",
            reduction="released_code",
        )
    return Distillation(
        (_teacher(inputs, options),),
        student_head=options.teacher != "target_like",
        weight=options.kd_weight * _similarity(inputs, options),
        loss=options.kd_loss,
        reduction=options.kd_reduction,
        temperature=options.kd_temperature,
    )


def _similarity(inputs: Inputs, options: PandaOptions) -> float:
    (similarity,) = inputs.similarities
    return max(similarity, 0.0) if options.clamp else similarity


def _teacher(inputs: Inputs, options: PandaOptions) -> Part:
    from panda_ray.training.trainables.prefix import prompt_part

    if inputs.trained:
        (trained,) = inputs.trained
        return goes_on_as(options.student).kept_part(trained)
    if options.teacher == "random":
        return fresh_prefix(inputs, generator(inputs.seed, "random-teacher"))
    (prompt,) = inputs.teachers or inputs.source_prompts
    return prompt_part(prompt)
