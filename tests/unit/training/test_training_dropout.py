"""Training with dropout: where entries are dropped, how many, for whom, and that nothing is outside of training steps.

An entry that is dropped in every row of a step has no gradient, so AdamW without decay leaves it where it was: one step
shows the masks from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.prompts.heads import initial_head
from panda_ray.seeding import generator
from panda_ray.testing.closeness import assert_close
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine import stacked
from panda_ray.training.engine.losses.teacher import Teachers
from panda_ray.training.engine.passes.evaluation import evaluate_stack
from panda_ray.training.engine.stack.stack_model import StackModel
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Distillation, Member
from panda_ray.training.trainables.prefix import prefix_part
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_task
from support.trained.trainings import CONFIG, Slot, assert_same, members_of

SHARE = 0.25
DROPOUT = replace(CONFIG, dropout=SHARE)
MEMBERS = 24


def unmoved_after_one_step(rows: int, config: TrainConfig) -> tuple[Tensor, Tensor]:
    """Which prefix entries (S, L, K, N, P, H) and which features of the head (S, D) one step on so many rows left."""
    backbone, task = random_backbone(), toy_task("classification", train=rows)
    starts = random_prefixes(backbone, MEMBERS)
    members = [Member(str(index), index, 1e-2, prefix_part(starts[index])) for index in range(MEMBERS)]
    results = train_stack(backbone, task, members, replace(config, epochs=1, batch_size=rows))
    prefixes, features = [], []
    for member, result in zip(members, results, strict=True):
        assert result.artifact is not None
        weight_CD, _ = initial_head(task.spec.output_size, 32, generator(member.seed, "head"))
        prefixes.append(result.artifact["prefix"] == member.start.tensors["prefix"])
        features.append((result.artifact["head.weight"] == weight_CD).all(dim=0))
    return torch.stack(prefixes), torch.stack(features)


def share_of(dropped: Tensor) -> float:
    return float(dropped.double().mean())


def chance(share: float, entries: int) -> object:
    """A share of so many independent entries, up to five standard deviations."""
    return pytest.approx(share, abs=5 * (share * (1 - share) / entries) ** 0.5)


@pytest.mark.parametrize("rows", [1, 2])
def test_each_row_drops_a_share_of_its_own_of_the_prefix_and_of_what_the_head_reads(rows: int) -> None:
    prefix_SLKNPH, head_SD = unmoved_after_one_step(rows, DROPOUT)
    prefix_SLKNPH = prefix_SLKNPH[:, :-1]  # the one query of the last layer drops whole values besides
    for dropped in (*prefix_SLKNPH.unbind(dim=1), head_SD):
        assert share_of(dropped) == chance(SHARE**rows, dropped.numel())


def test_members_drop_independently() -> None:
    for dropped in unmoved_after_one_step(1, DROPOUT):
        first, second = dropped[: MEMBERS // 2], dropped[MEMBERS // 2 :]
        both = (first & second)[:, :-1]
        assert share_of(both) == chance(SHARE**2, both.numel())


def test_without_dropout_everything_is_trained() -> None:
    for dropped in unmoved_after_one_step(1, replace(CONFIG, dropout=0.0)):
        assert not dropped.any()


def test_the_attention_of_the_last_layer_drops_whole_values_of_the_prefix() -> None:
    """Its one query reads a value with one probability per head, besides the mask on the value itself."""
    prefix_SLKNPH, _ = unmoved_after_one_step(1, DROPOUT)
    value_SNPH = prefix_SLKNPH[:, -1, 1]
    whole = value_SNPH.all(dim=-1)
    assert share_of(whole) == chance(SHARE, whole.numel())


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_drops_and_draws_nothing(kind: str) -> None:
    backbone, task, members = random_backbone(), toy_task(kind), members_of(kind, 3)
    model = StackModel.fresh(members, CONFIG, backbone, outputs=task.spec.output_size)
    before = torch.get_rng_state()
    calm, noisy = (
        evaluate_stack(backbone, task.spec, RowReader(task.dev), model, replace(CONFIG, dropout=share))
        for share in (0.0, 0.5)
    )
    assert torch.equal(torch.get_rng_state(), before)
    for one, other in zip(calm, noisy, strict=True):
        assert one is not None
        assert other is not None
        assert one.values == other.values
        assert (one.statistics_IM == other.statistics_IM).all()


@pytest.mark.parametrize("kind", KINDS)
def test_teachers_in_the_middle_of_a_training_say_the_same_with_and_without_a_cache(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Compared(Teachers):
        """Teachers that do not fit the cache, beside the same ones that do."""

        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **{**options, "cache_bytes": 0})  # type: ignore[arg-type]
            self._cached = Teachers(*args, **options)  # type: ignore[arg-type]

        def outputs(self, chunk: Sequence[Tensor], length: int, weight_SCD: Tensor, bias_SC: Tensor) -> Tensor:
            before = torch.get_rng_state()
            once, again = (super(Compared, self).outputs(chunk, length, weight_SCD, bias_SC) for _ in range(2))
            assert torch.equal(once, again)
            assert torch.equal(torch.get_rng_state(), before)
            cached = self._cached.outputs(chunk, length, weight_SCD, bias_SC)
            counted = (cached > -1e8) & (once != 0) & (cached != 0)  # neither padding of answers nor of tags
            assert_close(once[counted], cached[counted])
            asked.append(int(counted.sum()))
            return once

    monkeypatch.setattr(stacked, "Teachers", Compared)
    backbone, task, members = random_backbone(), toy_task(kind), members_of(kind, 3)
    own = members[1].distillation
    assert own is not None
    members[2] = replace(members[2], distillation=Distillation(own.teachers, True, 0.5))
    train_stack(backbone, task, members, replace(CONFIG, dropout=0.5, epochs=1))
    assert len(asked) >= 4
    assert min(asked) > 0


@pytest.mark.parametrize("kind", ["classification", "extractive_qa"])
def test_a_seed_decides_every_mask(kind: str) -> None:
    backbone, task, members = random_backbone(), toy_task(kind), members_of(kind, 2)
    first, again = (train_stack(backbone, task, members, DROPOUT) for _ in range(2))
    assert_same(again, first, exact=True)
    others = train_stack(backbone, task, [replace(members[0], seed=9), members[1]], DROPOUT)
    assert others[1].history[0].loss != first[1].history[0].loss, "masks of a stack follow its first member's seed"


def test_dropout_inside_of_the_backbone_alone_changes_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    task, members = toy_task("classification"), members_of("classification", 2)
    calm = train_stack(random_backbone(), task, members, CONFIG)
    monkeypatch.setattr("panda_ray.backbones.forward.prefix_attention.drop", lambda x, share: x)
    monkeypatch.setattr("panda_ray.training.engine.losses.step_losses.dropout", lambda x, share: x)
    noisy = train_stack(random_backbone(), task, members, DROPOUT)
    for one, other in zip(calm, noisy, strict=True):
        assert one.history[0].loss != pytest.approx(other.history[0].loss, rel=1e-3)


@pytest.mark.parametrize("kind", ["regression", "tagging"])
def test_a_training_with_every_sort_of_teacher_resumes_in_the_middle_bit_for_bit(kind: str) -> None:
    backbone, task, members = random_backbone(), toy_task(kind), members_of(kind, 4)
    slot = Slot()
    expected = train_stack(backbone, task, members, DROPOUT, checkpoint=slot, checkpoint_seconds=0)
    for state in (slot.saved[1], slot.saved[6]):  # inside of the first and of the second epoch
        assert_same(train_stack(backbone, task, members, DROPOUT, checkpoint=Slot(state)), expected, exact=True)
