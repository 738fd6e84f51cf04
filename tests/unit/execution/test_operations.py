"""Counted operations against PyTorch's own counter, on a real backbone with our attention.

PyTorch counts matrix products alone, as `operations.py` does. It knows no fused attention of the CPU, so attention is
made of plain products here; the pooler, which we leave out, is in its count. The rows are as many as leave no filler.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.formulas import FORMULAS
from panda_ray.backbones import Backbone, Tokens, backbone_sizes, load_backbone
from panda_ray.execution.costs.operations import backward_operations, forward_operations

NAME = "builtin-tiny"
MEMBERS, ROWS, TOKENS, PROMPT_LEN = 2, 8, 40, 20


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone(NAME, device="cpu")


@pytest.mark.parametrize("every_token", [True, False])
@pytest.mark.parametrize("prompt_len", [0, PROMPT_LEN])
def test_forward(backbone: Backbone, every_token: bool, prompt_len: int) -> None:
    with counter() as counted, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        passed(backbone, every_token, prompt_len)
    expected = ROWS * forward_operations(backbone_sizes(NAME), TOKENS, prompt_len, every_token)
    assert counted.get_total_flops() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("every_token", [True, False])
def test_forward_and_backward(backbone: Backbone, every_token: bool) -> None:
    with counter() as counted, sdpa_kernel(SDPBackend.MATH):
        read, prefix = passed(backbone, every_token, PROMPT_LEN)
        read.sum().backward()
    assert prefix.grad is not None
    sizes = backbone_sizes(NAME)
    expected = ROWS * sum(
        operations(sizes, TOKENS, PROMPT_LEN, every_token) for operations in (forward_operations, backward_operations)
    )
    assert counted.get_total_flops() == pytest.approx(expected, rel=0.03)


def counter() -> FlopCounterMode:
    return FlopCounterMode(display=False, custom_mapping=FORMULAS)


def passed(backbone: Backbone, every_token: bool, prompt_len: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What a head reads of some rows, and the prefixes that its gradient reaches."""
    sizes = backbone.geometry
    ids = torch.randint(5, 400, (ROWS, TOKENS))
    tokens = Tokens(ids, torch.zeros_like(ids), torch.full((ROWS,), TOKENS), padded=False)
    prefix = torch.randn(MEMBERS, sizes.layers, 2, sizes.kv_heads, prompt_len, sizes.head_size, requires_grad=True)
    (features,) = backbone.forward([tokens], prefix, position_offset=True, pooled_only=not every_token)
    return features.hidden_RTD if every_token else features.pooled_RD, prefix
