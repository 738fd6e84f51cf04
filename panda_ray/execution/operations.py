"""Floating-point operations of one row in a frozen backbone, from its sizes: the unit in which work is compared.

A multiplication and an addition are two operations. Counted are the matrix products of the layers; embeddings, layer
norms, activations, softmax, pooler and head together are below two per cent for the backbones of the study and are
left out. Weights are frozen, so the backward pass has no weight gradients, only those of the activations.

Letters: T tokens of a row, P prompt length, D hidden size, F feed-forward size, L layers.
"""

from __future__ import annotations

from panda_ray.backbones import Sizes


def forward_operations(sizes: Sizes, tokens: float, prompt_len: int) -> float:
    """Operations of one row's forward pass: L * T * (8 D^2 + 4 D F + 4 (P + T) D)."""
    return sizes.layers * (_linear(sizes, tokens) + _attention(sizes, tokens, prompt_len))


def backward_operations(sizes: Sizes, tokens: float, prompt_len: int) -> float:
    """Operations of the gradients of one row's activations.

    A linear layer passes its gradient back with as many operations as it took forward, attention with twice as many
    (four products against two; recomputing the scores, as fused kernels do, is not counted). No gradient is needed
    below the first layer's prefix, so the projections of the first layer's tokens to queries, keys and values, 6 D^2
    per token, have no backward pass.
    """
    everything = sizes.layers * (_linear(sizes, tokens) + 2 * _attention(sizes, tokens, prompt_len))
    return everything - 6 * tokens * sizes.hidden**2


def _linear(sizes: Sizes, tokens: float) -> float:
    """One layer's projections (four of D x D) and its feed-forward network (two of D x F)."""
    return tokens * (8 * sizes.hidden**2 + 4 * sizes.hidden * sizes.feed_forward)


def _attention(sizes: Sizes, tokens: float, prompt_len: int) -> float:
    """One layer's scores and mixed values: every token looks at the prefix and at all tokens."""
    return 4 * tokens * (prompt_len + tokens) * sizes.hidden
