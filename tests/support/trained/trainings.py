"""Small trainings of every kind: their members, a slot for their state, and what makes two results the same."""

from __future__ import annotations

from dataclasses import replace

import torch

from panda_ray.prompts.prompt import Prompt
from panda_ray.testing.closeness import assert_trained_close, losses_like
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Distillation, Member, MemberResult
from panda_ray.training.trainables.prefix import prefix_part, prompt_part
from support.trained.models import random_backbone
from support.trained.toys import toy_task

CONFIG = TrainConfig(lr=1e-2, batch_size=4, epochs=3, prompt_len=5, max_len=24, dropout=0.0)


class Slot:
    """A checkpoint slot in memory that remembers every save."""

    def __init__(self, state: bytes | None = None) -> None:
        self.saved: list[bytes] = []
        self._state = state

    def load(self) -> bytes | None:
        return self._state

    def save(self, state: bytes) -> None:
        self.saved.append(state)


def members_of(kind: str, count: int) -> list[Member]:
    """Members with their own seeds, rates and starts; every second one has a teacher."""
    backbone = random_backbone()
    outputs = toy_task(kind).spec.output_size
    prefixes, teachers = random_prefixes(backbone, count), random_prefixes(backbone, count, seed=2)
    members = []
    for index in range(count):
        head = torch.randn(outputs, 32, generator=torch.Generator().manual_seed(index)), torch.zeros(outputs)
        teacher = prompt_part(Prompt(teachers[index], *head))
        taught = Distillation((teacher,), index % 4 == 3, 0.5) if index % 2 else None
        members.append(Member(f"member {index}", index, 1e-2 / (index + 1), prefix_part(prefixes[index]), taught))
    return members


def with_nan(member: Member) -> Member:
    """The member, with nothing but NaN in its prefix."""
    return replace(member, start=prefix_part(torch.full_like(member.start.tensors["prefix"], float("nan"))))


def assert_same(results: list[MemberResult], others: list[MemberResult], exact: bool) -> None:
    for ours, theirs in zip(results, others, strict=True):
        assert ours.artifact is not None
        assert theirs.artifact is not None
        for name, tensor in ours.artifact.items():
            expected = theirs.artifact[name]
            if exact or not expected.is_floating_point():
                assert torch.equal(tensor, expected)
            else:
                assert_trained_close(tensor, expected)
        assert [past.loss for past in ours.history] == losses_like([past.loss for past in theirs.history])
        assert ours.best is not None
        assert theirs.best is not None
        if exact:
            assert ours.history == theirs.history
            assert ours.best.values == theirs.best.values
