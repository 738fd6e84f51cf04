"""Cached teachers, against running the teacher on every batch."""

from __future__ import annotations

import pytest
import torch

from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.kinds import CLASSIFICATION, PADDING_LOGIT
from panda_ray.testing.closeness import assert_close
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.losses.distillation import distillation_loss
from panda_ray.training.engine.losses.head_outputs import head_input, head_outputs
from panda_ray.training.engine.losses.teacher import Teachers
from panda_ray.training.member import Distillation
from panda_ray.training.trainables.prefix import prompt_part
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_task

CONFIG = TrainConfig(lr=1e-2, batch_size=4, epochs=1, prompt_len=5, max_len=24)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("student_head", [False, True])
@pytest.mark.parametrize("cache_bytes", [1 << 30, 0])
def test_a_cached_teacher_equals_a_teacher_run_at_each_step(kind: str, student_head: bool, cache_bytes: int) -> None:
    backbone, task = random_backbone(), toy_task(kind)
    reader, size = RowReader(task.train), task.spec.output_size
    weight, bias = torch.randn(2, size, 32), torch.randn(2, size)
    prefixes = random_prefixes(backbone, 2)
    distillations = {
        member: Distillation((prompt_part(Prompt(prefixes[member], weight[member], bias[member])),), student_head, 1.0)
        for member in range(2)
    }
    teachers = Teachers(backbone, task.spec.kind, reader, distillations, CONFIG, cache_bytes)
    student_weight, student_bias = torch.randn(size, 32), torch.randn(size)
    for example_B in torch.randperm(task.train.examples).split(5):
        tokens = reader.tokens(example_B)
        chunk, length = [example_B.repeat(2, 1)], tokens.input_ids_RT.shape[1]
        outputs = teachers.outputs(chunk, length, student_weight.repeat(2, 1, 1), student_bias.repeat(2, 1))
        for member, got in enumerate(outputs):
            features = backbone.forward([tokens], prefixes[member : member + 1], position_offset=True)
            read, rows_per_example = head_input(task.spec.kind, features, 1), task.train.rows_per_example
            head = (student_weight, student_bias) if student_head else (weight[member], bias[member])
            stacked = (head[0].unsqueeze(0), head[1].unsqueeze(0))
            expected = head_outputs(task.spec.kind, read, *stacked, [tokens], rows_per_example)[0]
            if kind == "tagging":
                counted = task.train.labels[example_B, : tokens.input_ids_RT.shape[1]] != -100
                got, expected = got[counted], expected[counted]  # noqa: PLW2901
            padding = expected == PADDING_LOGIT
            assert torch.equal(got == PADDING_LOGIT, padding)
            assert_close(got[~padding], expected[~padding])
            assert not got.requires_grad


def test_teachers_that_are_kept_speak_for_their_own_students_at_their_new_places() -> None:
    """Of two with their own head and two with their student's one each stays, and a member without a teacher."""
    backbone, task = random_backbone(), toy_task("classification")
    reader, size, kept = RowReader(task.train), task.spec.output_size, [1, 2, 4]
    random = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(5, size, 32, generator=random), torch.randn(5, size, generator=random)
    distillations = {
        member: Distillation((prompt_part(Prompt(prefix, weight[member], bias[member])),), member > 2, 1.0)
        for member, prefix in enumerate(random_prefixes(backbone, 5))
        if member != 2
    }
    moved = {at: distillations[member] for at, member in enumerate(kept) if member in distillations}
    teachers = Teachers(backbone, task.spec.kind, reader, distillations, CONFIG)
    teachers.keep(kept)
    anew = Teachers(backbone, task.spec.kind, reader, moved, CONFIG)
    assert teachers.members == anew.members == [0, 2]
    chunk = [torch.tensor([[0, 5, 7], [1, 2, 3], [9, 8, 12]])]
    length = reader.tokens(chunk[0]).input_ids_RT.shape[1]
    found, expected = (each.outputs(chunk, length, weight[:3], bias[:3]) for each in (teachers, anew))
    assert_close(found, expected)


def test_each_member_has_the_loss_and_the_weight_of_its_own_teacher() -> None:
    backbone, task = random_backbone(), toy_task("classification")
    size = task.spec.output_size
    part = prompt_part(Prompt(random_prefixes(backbone, 1)[0], torch.randn(size, 32), torch.randn(size)))
    distillations = {
        0: Distillation((part,), False, 2.0, "mse_logit"),
        2: Distillation((part,), True, 3.0, "kl", "released_code"),
        3: Distillation((part,), False, 0.5, "kl"),
    }
    teachers = Teachers(backbone, CLASSIFICATION, RowReader(task.train), distillations, CONFIG)
    student, teacher, labels = torch.randn(4, 5, size), torch.randn(4, 5, size), torch.zeros(4, 5, dtype=torch.long)
    of_members = torch.stack([teacher[member] for member in teachers.members])
    expected = [
        distillations[member].factor(8)
        * distillation_loss(CLASSIFICATION, distillations[member].loss, *_alone(member, student, teacher, labels))
        / (size if member == 2 else 1)  # the released code's mean runs over the classes too
        if member in distillations
        else 0.0
        for member in range(4)
    ]
    assert teachers.losses(student, of_members, labels, 8).tolist() == pytest.approx([float(each) for each in expected])


def _alone(member: int, *tensors: torch.Tensor) -> list[torch.Tensor]:
    return [tensor[member : member + 1] for tensor in tensors]
