"""Layers that are computed twice: every number stays, to the bit, and the pass keeps a small part of what it kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from panda_ray.backbones import Backbone
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.backbones.backbone import Features
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.engine.stacked import train_stack
from support.trained.models import CONFIGS, Around, random_backbone, random_model, random_tokens
from support.trained.toys import toy_task
from support.trained.trainings import CONFIG, assert_same, members_of

BLOCKS = [random_tokens(lengths, members=2) for lengths in ([9, 4], [12])]


def recomputing(name: str) -> Backbone:
    model = random_model(name)
    architecture = ARCHITECTURES.get(model.config.model_type)
    return Backbone(name, model, Around(), architecture, activation_checkpointing=True)


def both(name: str, compute: Callable[[Backbone], tuple[list[Features], list[Tensor]]]) -> list[list[Tensor | None]]:
    """Features, gradients and the next random number of a pass without recomputation, and of one with it."""
    found: list[list[Tensor | None]] = []
    for backbone in (random_backbone(name), recomputing(name)):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            features, leaves = compute(backbone)
            after = torch.rand(1)
            sum(part.hidden_RTD.float().square().sum() for part in features).backward()  # type: ignore[union-attr]
            found.append([*(part.hidden_RTD for part in features), *(leaf.grad for leaf in leaves), after])
    return found


def assert_same_bits(found: list[list[Tensor | None]]) -> None:
    for kept, recomputed in zip(*found, strict=True):
        if kept is None or recomputed is None:
            assert kept is recomputed is None
        else:
            assert torch.equal(kept, recomputed)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_features_gradients_and_random_numbers_of_a_prefix_are_the_same_bits(name: str, dropout: float) -> None:
    def compute(backbone: Backbone, bf16: bool) -> tuple[list[Features], list[Tensor]]:
        prefix = random_prefixes(backbone, 2).requires_grad_(True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            features = backbone.forward(BLOCKS, prefix, position_offset=True, dropout=dropout, pooled_only=not bf16)
            return features, [prefix]

    assert_same_bits(both(name, partial(compute, bf16=False)))
    assert_same_bits(both(name, partial(compute, bf16=True)))


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_of_weights_in_place_of_the_frozen_ones_are_the_same_bits(name: str) -> None:
    def compute(backbone: Backbone) -> tuple[list[Features], list[Tensor]]:
        leaves = {key: (2 * weight).requires_grad_(True) for key, weight in backbone.weights.items()}
        return backbone.forward_with(leaves, BLOCKS, dropout=0.1), list(leaves.values())

    assert_same_bits(both(name, compute))


@pytest.mark.parametrize("name", ["bert", "deberta-v2", "llama"])
def test_of_each_layer_little_more_than_its_input_is_kept(name: str) -> None:
    kept = []
    for backbone in (random_backbone(name), recomputing(name)):
        sizes: list[int] = []

        def note(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(tensor.nbytes)
            return tensor

        prefix = random_prefixes(backbone, 2).requires_grad_(True)
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            backbone.forward(BLOCKS, prefix, position_offset=True, dropout=0.1)
        kept.append(sum(sizes))
    assert kept[1] < 0.2 * kept[0]


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_stack_with_teachers_trains_to_the_same_bits(dropout: float) -> None:
    config = replace(CONFIG, dropout=dropout, epochs=2)
    task, members = toy_task("classification"), members_of("classification", 4)
    plain, recomputed = (train_stack(of, task, members, config) for of in (random_backbone(), recomputing("bert")))
    assert_same(plain, recomputed, exact=True)
