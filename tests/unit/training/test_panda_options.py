"""What PanDa's options do to a student's loss."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from panda_ray.backbones.rows import RowReader
from panda_ray.methods import Inputs, get_method
from panda_ray.methods.panda import PandaOptions
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.task import Kind
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Distillation
from panda_ray.training.objective import PADDING_LOGIT, label_counts
from panda_ray.training.teacher import Teachers
from support.models import random_backbone, random_prefixes
from support.toys import toy_task

CONFIG = TrainConfig(lr=1e-2, batch_size=4, epochs=3, prompt_len=5, max_len=24)


def distillation(options: PandaOptions, similarity: float = 0.5) -> Distillation:
    backbone = random_backbone()
    source, teacher = (Prompt(prefix, torch.ones(3, 32), torch.ones(3)) for prefix in random_prefixes(backbone, 2))
    inputs = Inputs("cell", 3, CONFIG, backbone.geometry, source, teacher, similarity)
    found = get_method("panda").member(inputs, options).distillation
    assert found is not None
    return found


def test_the_weight_is_lambda_times_similarity() -> None:
    found = distillation(PandaOptions())
    assert (found.weight, found.loss, found.reduction, found.student_head) == (
        0.05 * 0.5,
        "mse_prob",
        "sum_classes",
        False,
    )
    assert distillation(PandaOptions(kd_weight=0.2), similarity=-0.5).weight == pytest.approx(-0.1)
    assert distillation(PandaOptions(kd_weight=0.2, clamp=True), similarity=-0.5).weight == 0.0


def test_the_preset_does_what_the_released_code_does() -> None:
    found = distillation(PandaOptions(preset="official_code"))
    assert (found.weight, found.loss, found.reduction) == (pytest.approx(0.1 * 0.1), "mse_logit", "released_code")
    assert not found.student_head
    assert torch.equal(found.teacher.prefix_LKNPH, distillation(PandaOptions()).teacher.prefix_LKNPH)
    assert distillation(PandaOptions(preset="official_code", beta=2.0)).weight == pytest.approx(0.2)
    needs = get_method("panda").needs(PandaOptions(preset="official_code"))
    assert (needs.teacher, needs.similarity, needs.source_prompt) == ("pot", None, False)


def released_code(student_BC: torch.Tensor, teacher_BC: torch.Tensor, beta: float) -> float:
    """What the released trainer adds to its loss, as it stands there."""
    return (0.1 * beta * F.mse_loss(student_BC, teacher_BC) / len(student_BC)).item()


@pytest.mark.parametrize("kind", ["classification", "regression", "multiple_choice", "tagging", "extractive_qa"])
def test_the_preset_adds_the_released_codes_loss(kind: Kind) -> None:
    """Two members of a stack, beside one with the paper's loss; padding and unlabelled positions do not count."""
    random = torch.Generator().manual_seed(0)
    task = toy_task(kind)
    shape = {"regression": (3, 1), "tagging": (3, 4, 5), "extractive_qa": (3, 2, 6)}.get(kind, (3, 4))
    student, teacher = torch.randn((3, *shape), generator=random), torch.randn((2, *shape), generator=random)
    labels = torch.zeros((3, *shape[:-1]), dtype=torch.int64)
    expected = [(student[0], teacher[0]), (student[2], teacher[1])]
    if kind == "tagging":
        labels[:, 0, 1:] = labels[:, 1] = -100
        counted = labels[0] != -100
        expected = [(s[counted], t[counted]) for s, t in expected]
    if kind == "extractive_qa":
        student[..., 4:] = teacher[..., 4:] = PADDING_LOGIT
        expected = [(s[..., :4].flatten(0, 1), t[..., :4].flatten(0, 1)) for s, t in expected]
    official = distillation(PandaOptions(preset="official_code", beta=0.3))
    backbone = random_backbone()
    reader = RowReader(task.train)
    teachers = Teachers(backbone, kind, reader, {0: blank(official, kind), 2: blank(official, kind)}, CONFIG)
    got_S = teachers.losses(student, teacher, labels, batch_size=3) / label_counts(labels)
    wanted = [released_code(s, t, 0.3) * len(s) / 3 for s, t in expected]  # tags and words count, examples divide
    assert got_S.tolist() == pytest.approx([wanted[0], 0.0, wanted[1]], rel=1e-5)


def blank(distillation: Distillation, kind: Kind) -> Distillation:
    """The same with a head that suits the kind."""
    outputs = toy_task(kind).spec.output_size
    prompt = replace(distillation.teacher, head_weight_CD=torch.zeros(outputs, 32), head_bias_C=torch.zeros(outputs))
    return replace(distillation, teacher=prompt)


def test_teachers_other_than_target_like_speak_through_the_students_head() -> None:
    source = distillation(PandaOptions(teacher="source"))
    other = distillation(PandaOptions(teacher="random"))
    assert source.student_head
    assert other.student_head
    assert torch.equal(source.teacher.head_bias_C, torch.ones(3))
    assert not torch.equal(source.teacher.prefix_LKNPH, other.teacher.prefix_LKNPH)


def test_the_target_like_teacher_trains_for_a_short_while() -> None:
    teacher = get_method("teacher")
    assert teacher.config(CONFIG, "small").epochs == 1
    assert teacher.config(CONFIG, "large").max_steps == 1000
