"""Cached teachers, against running the teacher on every batch."""

from __future__ import annotations

import pytest
import torch
from models import random_backbone, random_prefixes
from toys import KINDS, toy_task

from panda_ray.backbones.rows import RowReader
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.task import Kind
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Distillation
from panda_ray.training.objective import head_input, head_outputs
from panda_ray.training.teacher import Teachers

CONFIG = TrainConfig(lr=1e-2, batch_size=4, epochs=1, prompt_len=5, max_len=24)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("student_head", [False, True])
@pytest.mark.parametrize("cache_bytes", [1 << 30, 0])
def test_a_cached_teacher_equals_a_teacher_run_at_each_step(kind: Kind, student_head: bool, cache_bytes: int) -> None:
    backbone, task = random_backbone(), toy_task(kind)
    reader, size = RowReader(task.train), task.spec.output_size
    weight, bias = torch.randn(2, size, 32), torch.randn(2, size)
    prefixes = random_prefixes(backbone, 2)
    distillations = {
        member: Distillation(Prompt(prefixes[member], weight[member], bias[member]), student_head, 1.0)
        for member in range(2)
    }
    teachers = Teachers(backbone, kind, reader, distillations, CONFIG, cache_bytes)
    student_weight, student_bias = torch.randn(size, 32), torch.randn(size)
    for example_B in torch.randperm(task.train.examples).split(5):
        tokens = reader.tokens(example_B)
        for member in range(2):
            got = teachers.outputs(member, example_B, tokens, student_weight, student_bias)
            features = backbone.forward(tokens, prefixes[member : member + 1], position_offset=True)
            head = (student_weight, student_bias) if student_head else (weight[member], bias[member])
            stacked = (head[0].unsqueeze(0), head[1].unsqueeze(0))
            expected = head_outputs(kind, head_input(kind, features, 1), *stacked, tokens, task.train.rows_per_example)[
                0
            ]
            if kind == "tagging":
                counted = task.train.labels[example_B, : tokens.input_ids_RT.shape[1]] != -100
                got, expected = got[counted], expected[counted]
            torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
            assert not got.requires_grad
