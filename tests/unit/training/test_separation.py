"""What one training must leave alone: its inputs, its own earlier results, and its neighbours in a stack."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from panda_ray.backbones.forward import budgets
from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.tasks.kinds import PADDING_LOGIT
from panda_ray.testing.closeness import assert_close, losses_like
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.engine.losses import teacher
from panda_ray.training.engine.losses.head_outputs import head_input, head_outputs
from panda_ray.training.engine.losses.step_losses import label_counts
from panda_ray.training.engine.losses.teacher import Teachers
from panda_ray.training.engine.passes.inference import outputs_by_batch
from panda_ray.training.engine.stack.optimizer import clip_gradients
from panda_ray.training.engine.stack.stack_model import StackModel
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Distillation, Member
from panda_ray.training.trainables.prefix import prompt_part
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_task
from support.trained.trainings import CONFIG, assert_same, members_of


def tensors_of(member: Member) -> list[Tensor]:
    teachers = () if member.distillation is None else member.distillation.teachers
    taught = [tensor for teacher in teachers for tensor in teacher.tensors.values()]
    return [*member.start.tensors.values(), *taught]


def tensors_of_task(task: EncodedTask) -> list[Tensor]:
    return [tensor for split in (task.train, task.dev) for tensor in vars(split).values() if isinstance(tensor, Tensor)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [1, 4])
def test_training_writes_into_none_of_its_inputs(kind: str, width: int) -> None:
    backbone, task, members = random_backbone(), toy_task(kind), members_of(kind, 4)[-width:]
    inputs = [*backbone._model.state_dict().values(), *tensors_of_task(task)]
    inputs += [tensor for member in members for tensor in tensors_of(member)]
    before = [tensor.clone() for tensor in inputs]
    train_stack(backbone, task, members, replace(CONFIG, dropout=0.1))
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(inputs, before, strict=True))


@pytest.mark.parametrize("width", [1, 3])
def test_the_prompt_of_the_best_epoch_is_not_touched_by_the_epochs_after_it(width: int) -> None:
    """Rates so small that every epoch scores the same: the first one is the best."""
    task, members = toy_task("classification"), members_of("classification", width)
    members = [replace(member, lr=1e-6) for member in members]
    config = replace(CONFIG, schedule="exponential", epochs=1)
    short = train_stack(random_backbone(), task, members, config)
    long = train_stack(random_backbone(), task, members, replace(config, epochs=4))
    for one, other in zip(long, short, strict=True):
        assert one.artifact is not None
        assert other.artifact is not None
        assert len({past.score for past in one.history}) == 1
        assert all(torch.equal(tensor, other.artifact[name]) for name, tensor in one.artifact.items())


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_that_diverges_leaves_its_neighbours_every_bit_of_that_epoch_and_all_but_rounding_after_it(
    kind: str,
) -> None:
    """It leaves the batch when the epoch ends, and sums over another batch are rounded in another order."""
    task, members = toy_task(kind, train=30), members_of(kind, 4)
    config = replace(CONFIG, grad_clip=1e-3)
    healthy = train_stack(random_backbone(), task, members, config)
    broken = [members[0], replace(members[1], lr=1e38), *members[2:]]
    results = train_stack(random_backbone(), task, broken, config)
    assert results[1].artifact is None
    assert "NaN" in (results[1].error or "")
    assert results[1].history == ()
    others = [results[0], *results[2:]], [healthy[0], *healthy[2:]]
    assert [one.history[0] for one in others[0]] == [one.history[0] for one in others[1]]
    assert_same(*others, exact=False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_whose_last_step_leads_out_of_all_numbers_is_dropped_though_its_losses_were_finite(kind: str) -> None:
    task, members = toy_task(kind), members_of(kind, 3)
    config = replace(CONFIG, max_steps=1, dropout=0.1)
    healthy = train_stack(random_backbone(), task, members, config)
    reports: list[EpochReport] = []
    broken = [members[0], replace(members[1], lr=1e38), members[2]]
    results = train_stack(random_backbone(), task, broken, config, on_epoch=reports.append)
    assert [math.isfinite(loss) for loss in reports[0].losses.values()] == [True] * 3
    assert list(reports[0].scores) == ["member 0", "member 2"]
    assert results[1].artifact is None
    assert "NaN or infinite" in (results[1].error or "")
    assert_same([results[0], results[2]], [healthy[0], healthy[2]], exact=True)


@pytest.mark.parametrize("largest", [1e-2, 1.0, 1e6])
def test_gradients_are_clipped_by_the_norm_of_each_members_prompt_and_head_together(largest: float) -> None:
    members = members_of("classification", 3)
    model = StackModel.fresh(members, CONFIG, random_backbone(), outputs=3)
    leaves = [*model.leaves.values()]
    random = torch.Generator().manual_seed(0)
    for leaf in leaves:
        size_S = torch.tensor([1e-3, 1.0, 1e3]).reshape(-1, *[1] * (leaf.dim() - 1))
        leaf.grad = torch.randn(leaf.shape, generator=random) * size_S
    expected = []
    for member in range(3):
        own = [leaf[member].detach().clone().requires_grad_(True) for leaf in leaves]
        for each, leaf in zip(own, leaves, strict=True):
            assert leaf.grad is not None
            each.grad = leaf.grad[member].clone()
        torch.nn.utils.clip_grad_norm_(own, largest)
        expected.append([each.grad for each in own])
    clip_gradients(leaves, largest)
    for member, own_gradients in enumerate(expected):
        for leaf, gradient in zip(leaves, own_gradients, strict=True):
            assert leaf.grad is not None
            assert_close(leaf.grad[member], gradient)


@pytest.mark.parametrize("position_offset", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_training_and_evaluation_put_tokens_where_the_configuration_says(kind: str, position_offset: bool) -> None:
    backbone, task, [member] = random_backbone(), toy_task(kind, train=6), members_of(kind, 1)
    config = replace(CONFIG, position_offset=position_offset, batch_size=task.train.examples, epochs=1)
    model = StackModel.fresh([member], config, backbone, outputs=task.spec.output_size)
    reader, heads = RowReader(task.train), (model.heads.weight_SCD.detach(), model.heads.bias_SC.detach())
    prefix = member.start.tensors["prefix"].unsqueeze(0)

    def by_hand(examples: Tensor, offset: bool) -> Tensor:
        tokens = reader.tokens(examples)
        features = backbone.forward([tokens], prefix, position_offset=offset)
        return head_outputs(
            task.spec.kind, head_input(task.spec.kind, features, 1), *heads, [tokens], task.train.rows_per_example
        )

    for examples, outputs in outputs_by_batch(backbone, task.spec.kind, reader, model, config):
        assert_close(_without_padding(outputs), _without_padding(by_hand(examples, position_offset)))
        other = _without_padding(by_hand(examples, not position_offset))
        assert not torch.allclose(_without_padding(outputs), other, atol=1e-3)
    everything = torch.arange(task.train.examples)
    labels = reader.labels(everything, reader.tokens(everything).input_ids_RT.shape[1]).unsqueeze(0)
    loss_S = task.spec.kind.loss(by_hand(everything, position_offset), labels) / label_counts(labels)
    [result] = train_stack(backbone, task, [member], config)
    assert [result.history[0].loss] == losses_like(loss_S.tolist())
    assert result.artifact is not None
    assert bool(result.artifact["position_offset"]) == position_offset


def _without_padding(outputs: Tensor) -> Tensor:
    return outputs[outputs != PADDING_LOGIT]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cache_bytes", [1 << 30, 0])
@pytest.mark.parametrize("position_offset", [True, False])
def test_each_teacher_answers_for_the_examples_of_its_own_member(
    kind: str, cache_bytes: int, position_offset: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four members with other examples each, of which one has no teacher and one speaks through its student's head."""
    monkeypatch.setitem(budgets.ROWS, "cpu", 8)  # several passes, of which the first have the shorter rows
    monkeypatch.setattr(teacher, "_FEATURE_BATCH", 3)
    backbone, task = random_backbone(), toy_task(kind)
    reader, size, rows = RowReader(task.train), task.spec.output_size, task.train.rows_per_example
    random = torch.Generator().manual_seed(5)
    weight, bias = torch.randn(4, size, 32, generator=random), torch.randn(4, size, generator=random)
    student = torch.randn(4, size, 32, generator=random), torch.randn(4, size, generator=random)
    prefixes = random_prefixes(backbone, 4)
    borrows = {1: False, 2: True, 3: False}
    distillations = {
        member: Distillation((prompt_part(Prompt(prefixes[member], weight[member], bias[member])),), borrowing, 1.0)
        for member, borrowing in borrows.items()
    }
    config = replace(CONFIG, position_offset=position_offset, dropout=0.5)
    teachers = Teachers(backbone, task.spec.kind, reader, distillations, config, cache_bytes)
    index_SB = torch.stack([torch.randperm(task.train.examples, generator=random)[:5] for _ in range(4)])
    length = reader.tokens(index_SB).input_ids_RT.shape[1]
    outputs = teachers.outputs([index_SB], length, *student)
    assert len(outputs) == len(teachers.members) == 3
    for member, got in zip(teachers.members, outputs, strict=True):
        tokens = reader.tokens(index_SB[member], length)
        features = backbone.forward([tokens], prefixes[member : member + 1], position_offset=position_offset)
        heads = student if borrows[member] else (weight, bias)
        own = heads[0][member : member + 1], heads[1][member : member + 1]
        expected = head_outputs(task.spec.kind, head_input(task.spec.kind, features, 1), *own, [tokens], rows)[0]
        assert got.shape == expected.shape
        if kind == "tagging":
            counted = task.train.labels[index_SB[member], :length] != -100
            got, expected = got[counted], expected[counted]  # noqa: PLW2901
        assert torch.equal(got == PADDING_LOGIT, expected == PADDING_LOGIT)
        assert_close(_without_padding(got), _without_padding(expected))
