"""The sizes of a backbone that prompts, operations and memory depend on, known without loading it and without torch."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.errors import InputError


@dataclass(frozen=True)
class Geometry:
    """The sizes that a prompt and its head must agree with."""

    layers: int
    query_heads: int
    kv_heads: int
    """Heads of keys and values, which a prefix has; several query heads may share one."""
    head_size: int
    hidden: int
    """Of the vectors that heads read."""
    max_positions: int
    """Positions that tokens may take, virtual tokens included where they shift them."""


@dataclass(frozen=True)
class Sizes:
    """Layers, hidden size D and feed-forward size F of an encoder."""

    layers: int
    hidden: int
    feed_forward: int
    positions: int = 512
    """Positions that tokens may take; so many in every published BERT and RoBERTa."""
    query_hidden: int | None = None
    """Width of queries, all heads together; D unless given."""
    kv_hidden: int | None = None
    """Width of keys and of values, all heads together; D unless given."""
    gated: bool = False
    """Whether a feed-forward part has three matrices, two of them up, instead of two."""
    position_terms: int = 0
    """Terms of a score besides that of query and key, each a product with embeddings of relative positions."""
    relative_positions: int = 0
    """Relative positions that have an embedding of their own."""
    convolution: float = 0.0
    """Weights of a convolution before the first layer's last norm, in D^2: its width over its groups."""


def check_positions(backbone: str, positions: int, prompt_len: int, max_len: int, position_offset: bool) -> None:
    """Whether a backbone has room for prompt and text.

    Virtual tokens take positions only where they shift those of the text; more of them than there are positions are
    refused all the same.

    Args:
        backbone: its name.
        positions: how many it has.

    Raises:
        InputError: it has too few.
    """
    taken = prompt_len + max_len if position_offset else max(prompt_len, max_len)
    if taken > positions:
        need = "need" if position_offset else "and position_offset false need"
        raise InputError(
            f"training: prompt_len {prompt_len} and max_len {max_len} {need} {taken} positions, but backbone "
            f"{backbone!r} has {positions}; lower one of them"
        )
