"""Floating-point operations of one row in a frozen backbone, from its sizes: the unit in which work is compared.

A multiplication and an addition are two operations. Counted are the matrix products of the layers; embeddings, layer
norms, activations, softmax, dropout, pooler and head are left out (below two per cent in the backbones of the study).
Frozen weights have no gradients, so a backward pass then has those of the activations alone.

Letters: T tokens of a row, Q tokens of it that a layer's output is needed of (1 in the last layer where heads read the
first token alone, else T), P prompt length, D hidden size, F feed-forward size.
"""

from __future__ import annotations

from panda_ray.backbones import Sizes
from panda_ray.methods.trains import Gradients, Trains


def row_operations(
    trains: Trains, sizes: Sizes, tokens: float, prompt_len: int, every_token: bool
) -> tuple[float, float]:
    """Operations of one row, forward and backward, for those who train that.

    Args:
        tokens: of the row, without virtual ones.
    """
    row = (sizes, tokens + prompt_len, 0) if trains.as_tokens else (sizes, tokens, prompt_len)
    return forward_operations(*row, every_token), backward_operations(*row, every_token, trains.gradients)


def forward_operations(sizes: Sizes, tokens: float, prompt_len: int, every_token: bool) -> float:
    """Operations of one row's forward pass.

    A layer takes T * 4 D^2 for keys and values (less with fewer heads), Q * (4 D^2 + 4 D F) for queries, output
    projection and feed-forward network (6 D F if gated), and Q * 4 (P + T) D for attention; a causal layer as much.
    Each term for relative positions is a product of a row's queries or keys with the embeddings of its W distances,
    and a convolution one with T * W D^2; embeddings are projected once for all rows, which is not counted.

    Args:
        every_token: whether heads read every token, or the first one alone.
    """
    outputs = _outputs(sizes, tokens, every_token)
    layers = sum(
        _linear(sizes, tokens, each) + _attention(sizes, tokens, prompt_len, each) + _positions(sizes, tokens, each)
        for each in outputs
    )
    return layers + tokens * 2 * sizes.convolution * sizes.hidden**2


def backward_operations(
    sizes: Sizes, tokens: float, prompt_len: int, every_token: bool, gradients: Gradients = "prefix"
) -> float:
    """Operations of the gradients of one row.

    A linear layer passes its gradient back with as many operations as it took forward, attention with twice as many
    (four products against two; recomputing the scores, as fused kernels do, is not counted). Below the first layer's
    prefix no gradient is needed, so its tokens' projections to queries, keys and values have no backward pass, and
    one of its four products, the gradient of its queries, is not there, nor are those of its terms for positions and
    of a convolution of its tokens. Gradients of weights take each linear layer, convolution and term once more.

    Args:
        gradients: how far down they go.
    """
    if gradients == "none":
        return 0.0
    outputs = _outputs(sizes, tokens, every_token)
    linear = sum(_linear(sizes, tokens, each) for each in outputs)
    everything = linear + sum(2 * _attention(sizes, tokens, prompt_len, each) for each in outputs)
    terms = sum(_positions(sizes, tokens, each) for each in outputs)
    if gradients == "prefix":
        lowest = _positions(sizes, tokens, outputs[0]) + _attention(sizes, tokens, prompt_len, outputs[0]) / 2
        of_inputs = tokens * _keys_and_values(sizes) + outputs[0] * 2 * sizes.hidden * _query_hidden(sizes)
        return everything + terms - lowest - of_inputs
    convolved = tokens * 2 * sizes.convolution * sizes.hidden**2
    return everything + terms + convolved + (linear + terms + convolved if gradients == "weights" else 0)


def linear_weights(sizes: Sizes) -> float:
    """Numbers in the matrices of all layers."""
    return sizes.layers * _linear(sizes, 1.0, 1.0) / 2


def _outputs(sizes: Sizes, tokens: float, every_token: bool) -> list[float]:
    """Q of each layer."""
    return [tokens] * (sizes.layers - 1) + [tokens if every_token else 1.0]


def _linear(sizes: Sizes, tokens: float, outputs: float) -> float:
    up_and_down = (6 if sizes.gated else 4) * sizes.hidden * sizes.feed_forward
    return tokens * _keys_and_values(sizes) + outputs * (4 * sizes.hidden * _query_hidden(sizes) + up_and_down)


def _keys_and_values(sizes: Sizes) -> int:
    return 4 * sizes.hidden * (sizes.kv_hidden or sizes.hidden)


def _query_hidden(sizes: Sizes) -> int:
    return sizes.query_hidden or sizes.hidden


def _attention(sizes: Sizes, tokens: float, prompt_len: int, outputs: float) -> float:
    return 4 * outputs * (prompt_len + tokens) * _query_hidden(sizes)


def _positions(sizes: Sizes, tokens: float, outputs: float) -> float:
    """Terms of scores for relative positions: of queries with embeddings, then of keys with them."""
    width = min(2 * tokens - 1, sizes.relative_positions) * _query_hidden(sizes)
    return sum(2 * each * width for each in (outputs, tokens)[: sizes.position_terms])
