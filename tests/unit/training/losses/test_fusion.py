"""PanDa from several sources, against the formulas of method.md written out one teacher and one example at a time."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.methods import Inputs, PairSimilarities, PairTeachers, SourcePrompts, get_method
from panda_ray.methods.distillation.panda_fusion import FusionOptions
from panda_ray.metrics import MetricChoice
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.kinds import PADDING_LOGIT
from panda_ray.testing.closeness import assert_close, assert_trained_close
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.losses.teacher import Teachers
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Distillation, KdLoss, Member
from panda_ray.training.trainables.prefix import prefix_part, prompt_part
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_task

CONFIG = TrainConfig(lr=1e-2, batch_size=4, epochs=1, prompt_len=5, max_len=24, dropout=0.0)
SIMILARITIES = (0.5, 0.25, -0.125)
LOSSES: tuple[KdLoss, ...] = ("mse_prob", "mse_logit", "kl", "ce")


def prompts(outputs: int, count: int = 3) -> tuple[Prompt, ...]:
    random = torch.Generator().manual_seed(0)
    return tuple(
        Prompt(prefix, torch.randn(outputs, 32, generator=random), torch.randn(outputs, generator=random))
        for prefix in random_prefixes(random_backbone(), count)
    )


def member_of(options: FusionOptions, given: tuple[Prompt, ...]) -> Member:
    from_sources = options.teacher == "source"
    inputs = Inputs(
        "cell",
        3,
        CONFIG,
        random_backbone().geometry,
        source_prompts=given if from_sources else (),
        teachers=() if from_sources else given,
        similarities=SIMILARITIES[: len(given)],
    )
    return get_method("panda_fusion").member(inputs, options)


def distillation(given: tuple[Prompt, ...] | None = None, **options: Any) -> Distillation:
    found = member_of(FusionOptions(**options), given or prompts(3)).distillation
    assert found is not None
    return found


def test_the_fusion_requires_a_teacher_and_a_similarity_of_each_source() -> None:
    method, choice = get_method("panda_fusion"), MetricChoice(metric="e_avg")
    assert method.sources == "several"
    weighed = PairSimilarities(choice)
    assert method.requires(FusionOptions(metric=choice)) == (PairTeachers("teacher"), weighed)
    assert method.requires(FusionOptions(metric=choice, teacher="source")) == (SourcePrompts(), weighed)
    assert [method.teacher_passes(count) for count in (2, 3)] == [2, 3]


@pytest.mark.parametrize("teacher", ["target_like", "source"])
def test_early_fusion_imitates_the_weighted_mean_of_the_prompts_through_the_students_head(teacher: Any) -> None:
    given = prompts(3)
    found = distillation(given, teacher=teacher, kd_weight=0.2, kd_loss="kl", kd_temperature=2.0, kd_reduction="sum")
    assert (found.temperature, found.reduction) == (2.0, "sum")
    (fused,) = found.teachers
    expected = sum(SIMILARITIES[i] * given[i].prefix_LKNPH for i in range(3)) / 3
    assert isinstance(expected, Tensor)
    assert_close(fused.tensors["prefix"], expected)
    assert (found.student_head, found.shares, found.loss) == (True, (), "kl")
    assert found.weight == 0.2, "lambda alone: the similarities are in the prompt"


def test_early_fusion_may_speak_through_the_mean_of_the_heads() -> None:
    given = prompts(3)
    found = distillation(given, head="mean")
    (fused,) = found.teachers
    assert not found.student_head
    assert_close(
        fused.tensors["head.weight"], (given[0].head_weight_CD + given[1].head_weight_CD + given[2].head_weight_CD) / 3
    )
    assert_close(fused.tensors["head.bias"], (given[0].head_bias_C + given[1].head_bias_C + given[2].head_bias_C) / 3)


@pytest.mark.parametrize(
    ("normalise", "expected"),
    [
        ("none", [0.5 / 3, 0.25 / 3, -0.125 / 3]),
        ("sum", [2 / 3, 1 / 3, 0.0]),
        ("softmax", [math.exp(each) / sum(map(math.exp, SIMILARITIES)) for each in SIMILARITIES]),
    ],
)
def test_the_similarities_become_weights(normalise: Any, expected: list[float]) -> None:
    late = distillation(fusion="late", normalise=normalise)
    assert late.shares == pytest.approx(expected)
    assert late.weight == 0.05
    (fused,) = distillation(normalise=normalise).teachers
    by_hand = sum(weight * prompt.prefix_LKNPH for weight, prompt in zip(expected, prompts(3), strict=True))
    assert isinstance(by_hand, Tensor)
    assert_close(fused.tensors["prefix"], by_hand)


def test_sources_without_a_positive_similarity_weigh_equally_under_sum() -> None:
    inputs = Inputs("cell", 3, CONFIG, random_backbone().geometry, teachers=prompts(3, 2), similarities=(-0.5, 0.0))
    found = get_method("panda_fusion").member(inputs, FusionOptions(fusion="late", normalise="sum")).distillation
    assert found is not None
    assert found.shares == (0.5, 0.5)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", KINDS)
def test_late_fusion_imitates_the_weighted_mean_of_what_its_teachers_say(kind: str, loss: KdLoss) -> None:
    """L_kd of a stack whose second member has three teachers, beside ordinary ones; each teacher is run by itself."""
    backbone, task = random_backbone(), toy_task(kind)
    reader, given = RowReader(task.train), prompts(task.spec.output_size)
    shares = (0.5, 0.125, 0.375) if loss in ("kl", "ce") else (0.25, -0.125, 0.5)
    fused = Distillation(tuple(map(prompt_part, given)), student_head=False, weight=1.0, loss=loss, shares=shares)
    alone = [Distillation((prompt_part(prompt),), student_head=False, weight=1.0, loss=loss) for prompt in given]
    together = Teachers(backbone, task.spec.kind, reader, {0: alone[0], 1: fused, 2: alone[1]}, CONFIG)
    one_by_one = Teachers(backbone, task.spec.kind, reader, dict(enumerate(alone)), CONFIG)
    heads = torch.zeros(3, task.spec.output_size, 32), torch.zeros(3, task.spec.output_size)
    for example_B in torch.randperm(task.train.examples).split(5):
        chunk, length = [example_B.repeat(3, 1)], reader.tokens(example_B).input_ids_RT.shape[1]
        said_n = one_by_one.outputs(chunk, length, *heads)
        student = said_n.flip(0).contiguous() * 0.5
        student = student.masked_fill(said_n == PADDING_LOGIT, PADDING_LOGIT)
        labels = task.train.labels[example_B]
        if kind == "tagging":
            labels = labels[:, :length]
        labels = labels.repeat(3, *[1] * (labels.dim() - 1)).reshape(3, *labels.shape)
        got = together.losses(student, together.outputs(chunk, length, *heads), labels, batch_size=5)
        assert got[1].item() == pytest.approx(by_hand(kind, loss, shares, said_n, student[1], labels[1]), rel=1e-4)
        plain = one_by_one.losses(student, said_n[[0, 0, 1]], labels, batch_size=5)
        assert got[[0, 2]].tolist() == pytest.approx(plain[[0, 2]].tolist(), rel=1e-4), "neighbours have their own"


def by_hand(
    kind: str, loss: KdLoss, shares: tuple[float, ...], said_n: Tensor, student: Tensor, labels: Tensor
) -> float:
    """Summed over every position that counts: the divergence of the student from sum_i share_i P_i."""
    width = said_n.shape[-1]
    rows_n = said_n.double().reshape(len(said_n), -1, width)
    total = 0.0
    for position, label in enumerate(labels.flatten().tolist()):
        if label == -100:
            continue
        real = [c for c in range(width) if rows_n[0, position, c] > PADDING_LOGIT]
        logits_n = [[rows_n[i, position, c].item() for c in real] for i in range(len(shares))]
        theirs = [student.double().reshape(-1, width)[position, c].item() for c in real]
        if kind == "regression" or loss == "mse_logit":
            mixed = [sum(s * z[c] for s, z in zip(shares, logits_n, strict=True)) for c in range(len(real))]
            total += sum((p - q) ** 2 for p, q in zip(mixed, theirs, strict=True))
            continue
        mixed = [sum(s * softmax(z)[c] for s, z in zip(shares, logits_n, strict=True)) for c in range(len(real))]
        ours = softmax(theirs)
        if loss == "mse_prob":
            total += sum((p - q) ** 2 for p, q in zip(mixed, ours, strict=True))
        elif loss == "kl":
            total += sum(p * math.log(p / q) for p, q in zip(mixed, ours, strict=True) if p > 0)
        else:
            total -= sum(p * math.log(q) for p, q in zip(mixed, ours, strict=True))
    return total


def softmax(logits: list[float]) -> list[float]:
    powers = [math.exp(value - max(logits)) for value in logits]
    return [power / sum(powers) for power in powers]


@pytest.mark.parametrize("options", [{}, {"head": "mean"}, {"fusion": "late"}, {"teacher": "source"}], ids=str)
def test_a_fused_member_trains_in_a_stack_as_it_does_alone(options: dict[str, Any]) -> None:
    task, given = toy_task("classification"), prompts(3)
    fused = member_of(FusionOptions(kd_weight=5.0, **options), given)
    plain = Member(
        "other", 7, 1e-2, prefix_part(given[0].prefix_LKNPH), Distillation((prompt_part(given[1]),), False, 0.5)
    )
    (alone,) = train_stack(random_backbone(), task, [fused], CONFIG)
    _, stacked = train_stack(random_backbone(), task, [plain, fused], CONFIG)
    without = Member(fused.name, fused.seed, fused.lr, fused.start)
    (untaught,) = train_stack(random_backbone(), task, [without], CONFIG)
    assert alone.artifact is not None
    assert stacked.artifact is not None
    assert untaught.artifact is not None
    assert_trained_close(stacked.artifact["prefix"], alone.artifact["prefix"])
    assert not torch.allclose(untaught.artifact["prefix"], alone.artifact["prefix"], atol=1e-4), "it is taught"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fusion": "late", "teacher": "source"}, "has no effect under the fusion 'late'"),
        ({"fusion": "late", "head": "mean"}, "has no effect under the fusion 'late'"),
        ({"teacher": "source", "head": "mean"}, "has no effect under the teacher 'source'"),
        ({"fusion": "late", "kd_loss": "kl"}, "'kl' compares distributions"),
        ({"fusion": "late", "kd_loss": "ce"}, "'ce' compares distributions"),
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FusionOptions(**options)


def test_options_without_effect_are_no_part_of_the_key() -> None:
    assert not {"teacher", "head"} & FusionOptions(fusion="late", normalise="sum", kd_loss="kl").model_dump().keys()
    assert {"teacher", "head"} <= FusionOptions().model_dump().keys()
