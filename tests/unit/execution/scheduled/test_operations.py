"""Counted operations against PyTorch's own counter, on backbones of every architecture with our attention.

PyTorch counts matrix products alone, as `operations.py` does. It knows no fused attention of the CPU, so attention is
made of plain products here; the pooler, which we leave out, is in its count. The rows are as many as leave no filler.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring.formulas import FORMULAS
from panda_ray.backbones import Backbone, Sizes, Tokens, backbone_sizes, load_backbone
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.backbones.forward.frozen_linear import onednn_is_right
from panda_ray.backbones.forward.leading_vectors import LeadingVectors
from panda_ray.execution.costs.operations import backward_operations, forward_operations, row_operations
from panda_ray.methods import get_method
from support.trained.models import CONFIGS, random_backbone

NAMES = (
    *("builtin-tiny", "bert", "roberta", "deberta-v2", "deberta-plain"),
    *("opt", "llama", "llama-grouped", "llama-wide"),
)
MEMBERS, ROWS, TOKENS, PROMPT_LEN = 2, 8, 40, 20


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def backbone(name: str) -> Backbone:
    return load_backbone(name, device="cpu") if name == "builtin-tiny" else random_backbone(name)


@pytest.fixture(scope="module")
def sizes(name: str) -> Sizes:
    """As planning knows them: from the configuration alone."""
    if name == "builtin-tiny":
        return backbone_sizes(name)
    config = CONFIGS[name]().to_dict()
    return ARCHITECTURES.get(config["model_type"]).sizes(config)


@pytest.mark.parametrize("every_token", [True, False])
@pytest.mark.parametrize("prompt_len", [0, PROMPT_LEN])
def test_forward(backbone: Backbone, sizes: Sizes, every_token: bool, prompt_len: int) -> None:
    with counter() as counted, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        passed(backbone, every_token, prompt_len)
    expected = ROWS * forward_operations(sizes, TOKENS, prompt_len, every_token) + once_per_pass(sizes)
    assert counted.get_total_flops() == pytest.approx(expected, rel=0.002)


@pytest.mark.parametrize("every_token", [True, False])
def test_forward_and_backward(backbone: Backbone, sizes: Sizes, every_token: bool) -> None:
    with counter() as counted, sdpa_kernel(SDPBackend.MATH):
        features, prefix = passed(backbone, every_token, PROMPT_LEN)
        features.sum().backward()
    assert prefix.grad is not None
    expected = once_per_pass(sizes) + ROWS * sum(
        operations(sizes, TOKENS, PROMPT_LEN, every_token) for operations in (forward_operations, backward_operations)
    )
    assert counted.get_total_flops() == pytest.approx(expected, rel=0.002)


@pytest.mark.parametrize("every_token", [True, False])
def test_virtual_tokens_pass_through_all_layers_and_take_gradients_from_all(
    backbone: Backbone, sizes: Sizes, every_token: bool
) -> None:
    with counter() as counted, sdpa_kernel(SDPBackend.MATH):
        vectors = torch.randn(MEMBERS, PROMPT_LEN, backbone.geometry.hidden, requires_grad=True)
        read(backbone, every_token, leading=LeadingVectors(vectors)).sum().backward()
    trains = get_method("lester").trains({"embedded": "once"})
    expected = ROWS * sum(row_operations(trains, sizes, TOKENS, PROMPT_LEN, every_token))
    assert counted.get_total_flops() == pytest.approx(expected + once_per_pass(sizes, TOKENS + PROMPT_LEN), rel=0.002)


@pytest.mark.parametrize("every_token", [True, False])
def test_all_weights_take_gradients_as_well(backbone: Backbone, sizes: Sizes, every_token: bool) -> None:
    weights = {name: weight.clone().requires_grad_() for name, weight in backbone.weights.items()}
    with counter() as counted, sdpa_kernel(SDPBackend.MATH):
        [features] = backbone.forward_with(weights, [tokens()], pooled_only=not every_token)
        (features.hidden_RTD if every_token else features.pooled_RD).sum().backward()
    trains = get_method("model_tuning").trains({})
    expected = ROWS * sum(row_operations(trains, sizes, TOKENS, 0, every_token))
    assert counted.get_total_flops() == pytest.approx(expected + 3 * once_per_pass(sizes), rel=0.002)


def once_per_pass(sizes: Sizes, tokens: int = TOKENS) -> int:
    """Projections of embedded relative positions, which rows share and which costs of rows leave out."""
    places = min(2 * tokens - 1, sizes.relative_positions)
    return 2 * sizes.layers * sizes.position_terms * places * sizes.hidden * (sizes.query_hidden or sizes.hidden)


def counter() -> FlopCounterMode:
    onednn_is_right()  # tries products once per process
    return FlopCounterMode(display=False, custom_mapping=FORMULAS)


def passed(backbone: Backbone, every_token: bool, prompt_len: int) -> tuple[Tensor, Tensor]:
    """What a head reads of some rows, and the prefixes that its gradient reaches."""
    sizes = backbone.geometry
    prefix = torch.randn(MEMBERS, sizes.layers, 2, sizes.kv_heads, prompt_len, sizes.head_size, requires_grad=True)
    return read(backbone, every_token, prefix), prefix


def read(
    backbone: Backbone, every_token: bool, prefix: Tensor | None = None, leading: LeadingVectors | None = None
) -> Tensor:
    [features] = backbone.forward(
        [tokens()], prefix, position_offset=True, pooled_only=not every_token, leading=leading
    )
    return features.hidden_RTD if every_token else features.pooled_RD


def tokens() -> Tokens:
    ids = torch.randint(5, 60, (ROWS, TOKENS))
    return Tokens(ids, torch.zeros_like(ids), torch.full((ROWS,), TOKENS), padded=False)
