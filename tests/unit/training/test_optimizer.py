"""The stack's optimiser: against PyTorch's own, one per member, and when members leave."""

from __future__ import annotations

import pytest
import torch

from panda_ray.testing.closeness import assert_close
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.stack.optimizer import StackedAdamW, schedule_factor
from panda_ray.training.steps import Steps

SHAPES = ((3, 2, 2, 4, 5, 6), (3, 2, 8), (3, 2))
LR_S = torch.tensor([1e-3, 3e-2, 0.5])


def random_tensors(seed: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=random) for shape in SHAPES]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_each_member_moves_as_under_torch_adamw(weight_decay: float) -> None:
    leaves = [tensor.requires_grad_(True) for tensor in random_tensors(0)]
    stacked = StackedAdamW(leaves, LR_S, weight_decay)
    alone = [[leaf[member].detach().clone().requires_grad_(True) for leaf in leaves] for member in range(3)]
    reference = [
        torch.optim.AdamW(own, lr=float(lr), weight_decay=weight_decay) for own, lr in zip(alone, LR_S, strict=True)
    ]
    for step in range(20):
        factor = 1 - step / 20
        gradients = random_tensors(step + 1)
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = gradient.clone()
        stacked.step(factor)
        for member, optimizer in enumerate(reference):
            optimizer.param_groups[0]["lr"] = float(LR_S[member]) * factor
            for own, gradient in zip(alone[member], gradients, strict=True):
                own.grad = gradient[member].clone()
            optimizer.step()
    for member, own_leaves in enumerate(alone):
        for leaf, own in zip(leaves, own_leaves, strict=True):
            assert_close(leaf[member], own)


def test_a_member_without_finite_gradients_leaves_its_neighbours_alone() -> None:
    leaves = [tensor.requires_grad_(True) for tensor in random_tensors(0)]
    optimizer = StackedAdamW(leaves, LR_S, 0.0)
    for leaf in leaves:
        leaf.grad = torch.ones_like(leaf)
        leaf.grad[1] = float("nan")
    optimizer.step(1.0)
    for leaf in leaves:
        assert leaf[1].isnan().all()
        assert leaf[[0, 2]].isfinite().all()


def test_a_loaded_state_continues_as_the_saved_one() -> None:
    results = []
    for interrupted in (False, True):
        leaves = [tensor.requires_grad_(True) for tensor in random_tensors(0)]
        optimizer = StackedAdamW(leaves, LR_S, 0.0)
        for step in range(6):
            if interrupted and step == 3:
                saved = optimizer.state()
                optimizer = StackedAdamW(leaves, LR_S, 0.0)
                optimizer.load(saved)
            for leaf, gradient in zip(leaves, random_tensors(step + 1), strict=True):
                leaf.grad = gradient
            optimizer.step(1.0)
        results.append([leaf.detach().clone() for leaf in leaves])
    for once, twice in zip(*results, strict=True):
        assert torch.equal(once, twice)


def test_kept_members_move_on_with_their_own_rates_and_moments_as_if_nobody_had_left() -> None:
    kept, results = [2, 0], []
    for leaves_at in (None, 3):
        leaves = [tensor.requires_grad_(True) for tensor in random_tensors(0)]
        optimizer, rows = StackedAdamW(leaves, LR_S, 0.1), [0, 1, 2]
        for step in range(6):
            if step == leaves_at:
                rows = kept
                leaves = [leaf.detach()[rows].requires_grad_(True) for leaf in leaves]
                optimizer.keep(leaves, rows)
            for leaf, gradient in zip(leaves, random_tensors(step + 1), strict=True):
                leaf.grad = gradient[rows]
            optimizer.step(1.0)
        results.append([leaf.detach() for leaf in leaves])
    for whole, part in zip(*results, strict=True):
        assert torch.equal(part, whole[kept])


def test_the_exponential_schedule_decays_after_each_epoch_and_the_linear_one_at_each_step() -> None:
    exponential = TrainConfig(lr=1.0, batch_size=1, epochs=3, schedule="exponential")
    factors = [schedule_factor(exponential, step, Steps(total=12, per_epoch=4)) for step in range(12)]
    assert factors == pytest.approx([1.0] * 4 + [0.95] * 4 + [0.95**2] * 4)
    linear = TrainConfig(lr=1.0, batch_size=1, epochs=3, schedule="linear")
    assert [schedule_factor(linear, step, Steps(total=4, per_epoch=2)) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]
