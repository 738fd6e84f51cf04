"""PanDa from several sources (Zhong et al., Sec. III-C3): their prompts, or what they say, fused into one teacher.

Early fusion imitates one fused prompt, u_all = 1/n sum_i sim_i u_i; late fusion the fused outputs of n teachers,
P_all = 1/n sum_i sim_i P_i. Either way the student minimises L = L_ce + lambda * L_kd: the similarities are in the
fusion already. The paper does not say which head speaks for a fused prompt; here it is the student's own, or the mean
of the heads of the target-like prompts.

P_all sums to the mean similarity, not to 1, unless the weights are normalised: `kl` and `ce`, which compare
distributions, need that under late fusion. Without it late fusion also draws a regression's outputs towards 0, by
the same factor, and early fusion makes a prompt of smaller numbers than any that was trained.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from panda_ray.methods.method import Choice, Inputs, Method, MethodOptions
from panda_ray.methods.requirements import PairSimilarities, PairTeachers, Requirement, SourcePrompts
from panda_ray.methods.starts import fresh_prefix
from panda_ray.metrics import MetricChoice
from panda_ray.training.member import Distillation, KdLoss, KdReduction, Member

if TYPE_CHECKING:
    from panda_ray.training.trainables.trainable import Part

Normalisation = Literal["none", "sum", "softmax"]


class FusionOptions(MethodOptions):
    """Options of the fusion; the defaults are the paper's where it states them."""

    WITHOUT_EFFECT: ClassVar[Mapping[Choice, tuple[str, ...]]] = {
        ("fusion", "late"): ("teacher", "head"),
        ("teacher", "source"): ("head",),
        ("kd_loss", "mse_logit"): ("kd_temperature",),
    }
    UNSEEN_AT: ClassVar[Mapping[str, Any]] = {"kd_temperature": 1.0, "kd_reduction": "mean"}

    fusion: Literal["early", "late"] = "early"
    teacher: Literal["target_like", "source"] = "target_like"
    """The prompts that early fusion mixes; late fusion mixes the outputs of target-like ones."""
    head: Literal["student", "mean"] = "student"
    """Who speaks for a fused prompt: the student's own head, or the mean of the target-like heads."""
    normalise: Normalisation = "none"
    """Weights of the sources: sim_i / n, or sim_i / sum_j sim_j (negative ones count as 0), or the softmax of sim."""
    kd_loss: KdLoss = "mse_prob"
    kd_weight: float = Field(default=0.05, ge=0)
    """lambda."""
    kd_temperature: float = Field(default=1.0, ge=0.1, le=100)
    """T of softmax(z / T), of teacher and student alike. L_kd is multiplied with T^2, because its gradients shrink
    like 1 / T^2: the effective weight stays lambda (Hinton et al., 2015). No effect on regression, which has no
    softmax."""
    kd_reduction: KdReduction = "mean"
    """Of L_kd over a batch of B examples. `mean`: the effective weight beside L_ce, a mean itself, is lambda.
    `sum` (Eq. 3 as it is printed): it is B times that, and so grows with the batch size."""
    metric: MetricChoice = MetricChoice(metric="task_embedding")
    """Transferability metric that gives `sim`: its name, or `{metric: NAME, options: {...}}`."""

    @model_validator(mode="after")
    def _distributions_sum_to_one(self) -> FusionOptions:
        if self.fusion == "late" and self.kd_loss in ("kl", "ce") and self.normalise == "none":
            said = {"loss": repr(self.kd_loss), "at": "kd_loss"}
            raise PydanticCustomError(
                "unnormalised", "{loss} compares distributions, and late fusion gives one under normalise only", said
            )
        return self


class PandaFusion(Method):
    """A student prompt from the initialiser, trained on the target and on what several frozen teachers say together."""

    name = "panda_fusion"
    summary = "PanDa from several sources: their prompts (early) or their outputs (late) fused into one teacher"
    sources = "several"
    Options = FusionOptions

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        assert isinstance(options, FusionOptions)
        teacher = SourcePrompts() if options.teacher == "source" else PairTeachers("teacher")
        return teacher, PairSimilarities(options.metric)

    def teacher_passes(self, sources: int) -> int:
        return sources

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        assert isinstance(options, FusionOptions)
        shares = weights(inputs.similarities, options.normalise)
        late = options.fusion == "late"
        distillation = Distillation(
            _late(inputs) if late else (_fused(inputs, shares, options.head),),
            student_head=not late and options.head == "student",
            weight=options.kd_weight,
            loss=options.kd_loss,
            reduction=options.kd_reduction,
            shares=shares if late else (),
            temperature=options.kd_temperature,
        )
        return Member(inputs.name, inputs.seed, inputs.config.lr, fresh_prefix(inputs), distillation)


def weights(similarities: Sequence[float], normalise: Normalisation) -> tuple[float, ...]:
    """What each source weighs; equally much where `sum` finds no positive similarity."""
    if normalise == "none":
        return tuple(each / len(similarities) for each in similarities)
    if normalise == "softmax":
        raw = [math.exp(each) for each in similarities]
    else:
        raw = [max(each, 0.0) for each in similarities]
    total = sum(raw)
    return tuple(each / total for each in raw) if total else (1 / len(raw),) * len(raw)


def _late(inputs: Inputs) -> tuple[Part, ...]:
    """The teachers that late fusion hears one by one."""
    from panda_ray.training.trainables.prefix import prompt_part

    return tuple(map(prompt_part, inputs.teachers))


def _fused(inputs: Inputs, shares: Sequence[float], head: Literal["student", "mean"]) -> Part:
    """u_all, with the mean of the heads if it speaks through them."""
    import torch

    from panda_ray.prompts.prompt import Prompt
    from panda_ray.training.trainables.prefix import prefix_part, prompt_part

    prompts = inputs.teachers or inputs.source_prompts
    share_n = torch.tensor(shares)
    prefix_LKNPH = torch.einsum("n,n...->...", share_n, torch.stack([prompt.prefix_LKNPH for prompt in prompts]))
    if head == "student":
        return prefix_part(prefix_LKNPH)
    weight_CD = torch.stack([prompt.head_weight_CD for prompt in prompts]).mean(dim=0)
    bias_C = torch.stack([prompt.head_bias_C for prompt in prompts]).mean(dim=0)
    return prompt_part(Prompt(prefix_LKNPH, weight_CD, bias_C))
