"""A model in the type of its checkpoint computes what it computes in float32, in less memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModel

from panda_ray.backbones import Backbone
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.backbones.forward.frozen_linear import FrozenLinear
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import CONFIGS, Around, random_model, random_tokens

NARROW = pytest.mark.parametrize("narrow", [torch.bfloat16, torch.float16], ids=str)


def backbones(name: str, narrow: torch.dtype, folder: Path) -> tuple[Backbone, Backbone]:
    """One checkpoint in a narrow type: held in it, and in float32."""
    random_model(name).to(narrow).save_pretrained(folder)
    own, wide = (AutoModel.from_pretrained(folder, dtype=dtype) for dtype in (narrow, torch.float32))
    architecture = ARCHITECTURES.get(own.config.model_type)
    return Backbone(name, own, Around(), architecture), Backbone(name, wide, Around(), architecture)


def matrices(backbone: Backbone) -> list[Tensor]:
    """Of linear layers, and the table of words."""
    model = backbone._model
    words = model.get_input_embeddings()  # type: ignore[operator]
    return [words.weight, *(module.weight for module in model.modules() if isinstance(module, nn.Linear))]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@NARROW
def test_features_and_gradients_have_the_bits_of_float32(
    name: str, precision: str, narrow: torch.dtype, tmp_path: Path
) -> None:
    found = []
    for backbone in backbones(name, narrow, tmp_path):
        prefix = random_prefixes(backbone, 2).requires_grad_(True)
        blocks = [random_tokens(lengths, members=2) for lengths in ([9, 4], [12])]
        with torch.random.fork_rng(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            torch.manual_seed(0)
            read = backbone.forward(blocks, prefix, position_offset=True, dropout=0.1)
            pooled = backbone.forward(blocks, prefix, position_offset=True, pooled_only=True)
        hidden = torch.cat([features.hidden_RTD.flatten() for features in [*read, *pooled]]).float()
        (hidden * torch.randn(hidden.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
        words = backbone._model.get_input_embeddings()(blocks[0].input_ids_RT)  # type: ignore[operator]
        found.append((hidden.detach(), prefix.grad, words))
    for own, wide in zip(*found, strict=True):
        assert own is not None
        assert own.dtype == torch.float32
        assert torch.equal(own, wide)


@pytest.mark.parametrize("name", CONFIGS)
@NARROW
def test_matrices_stay_narrow_in_every_pass_and_all_else_is_float32(
    name: str, narrow: torch.dtype, tmp_path: Path
) -> None:
    own, _ = backbones(name, narrow, tmp_path)
    for bf16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            own.forward([random_tokens([5])], random_prefixes(own, 1), position_offset=True)
    held = matrices(own)
    assert {weight.dtype for weight in held} == {narrow}
    others = [weight for weight in own._model.parameters() if all(weight is not matrix for matrix in held)]
    assert {weight.dtype for weight in others} == {torch.float32}
    kept = [module._cast for module in own._model.modules() if isinstance(module, FrozenLinear)]
    copies = [cast[0] for cast in kept if cast is not None]
    assert all(any(copy is weight for weight in held) for copy in copies), "nothing is there twice"


@pytest.mark.parametrize("name", ["bert", "llama"])
def test_weights_that_are_trained_in_place_of_narrow_ones_get_the_gradients_of_float32(
    name: str, tmp_path: Path
) -> None:
    found = []
    for backbone in backbones(name, torch.bfloat16, tmp_path):
        leaves = {key: weight.detach().float().requires_grad_(True) for key, weight in backbone.weights.items()}
        [features] = backbone.forward_with(leaves, [random_tokens([9, 4])])
        features.hidden_RTD.square().sum().backward()
        found.append({key: leaf.grad for key, leaf in leaves.items() if leaf.grad is not None})
    own, wide = found
    assert own.keys() == wide.keys()
    assert own
    assert all(torch.equal(gradient, wide[key]) for key, gradient in own.items())
