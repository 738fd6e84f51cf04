"""What PanDa's options do to a student's loss."""

from __future__ import annotations

import pytest
import torch

from panda_ray.methods import Inputs, get_method
from panda_ray.methods.panda import PandaOptions
from panda_ray.prompts.prompt import Prompt
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Distillation
from support.models import random_backbone, random_prefixes

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
    options = PandaOptions(preset="official_code", beta=2.0)
    found = distillation(options)
    assert (found.weight, found.loss, found.reduction) == (0.2, "mse_logit", "released_code")
    assert get_method("panda").needs(options).similarity is None


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
