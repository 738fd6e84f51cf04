"""What an architecture is to the rest of the package: facts that need no torch, and an encoder of packed rows.

To add an architecture, write one file in `encoders/` that holds both, and name it in `architectures.py`.

Shape letters: X tokens of all blocks, Y rows of all blocks, Z of both what is asked for, D hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from panda_ray.backbones.sizes import Geometry, Sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from panda_ray.backbones.forward.forward_pass import ForwardPass

Config = Mapping[str, Any]
"""A model's config.json."""


class Encoder(Protocol):
    """The layers of one architecture, run over packed rows with the modules of a loaded transformers model.

    It neither knows how rows are packed nor what a prefix is: attention is the forward pass's.
    """

    def embed(self, input_ids_1X: Tensor, token_type_ids_1X: Tensor, run: ForwardPass) -> Tensor:
        """What the first layer reads, (1, X, D); positions, and what is made of word embeddings, are the pass's.

        What several layers read (`run.once`) is computed here: a layer may be computed twice, and on another device.
        """
        ...

    def module(self, index: int) -> nn.Module:
        """What holds the weights of a layer, and its alone."""
        ...

    def layer(self, index: int, hidden_1XD: Tensor, run: ForwardPass, pooled_only: bool) -> Tensor:
        """Hidden states after one layer, (1, X, D); with `pooled_only` those of pooled tokens alone, (1, Y, D).

        It may be computed twice in one pass.
        """
        ...

    def finish(self, hidden_1ZD: Tensor) -> Tensor:
        """What heads read of tokens after the last layer, (1, Z, D): the final norm of those that have one."""
        ...

    def pool(self, hidden_YD: Tensor) -> Tensor:
        """What heads read of a row, (Y, D), of its finished pooled token."""
        ...

    def activations(self, index: int) -> nn.Module:
        """The module whose output are a layer's feed-forward activations, after the non-linearity."""
        ...


@dataclass(frozen=True)
class Architecture:
    """An architecture of transformers.

    Attributes:
        name: `config.model_type` of transformers.
        encoder: makes the encoder around a loaded model (`AutoModel`).
        causal: whether a token sees only those before it, and the prefix.
        pooled: the real token of a row that stands for all of it.
        geometry, sizes: read from a configuration; a KeyError names what it lacks.
        takes_cache: whether transformers' model takes keys and values from outside, as PEFT's prefix tuning needs.
        pooler: module that pooled vectors pass through; checkpoints that lack it serve tasks that read every token.
        unread: modules of transformers that nothing here reads, so that a checkpoint may lack them.
    """

    name: str
    encoder: Callable[[Any], Encoder]
    causal: bool
    pooled: Literal["first", "last"]
    geometry: Callable[[Config], Geometry]
    sizes: Callable[[Config], Sizes]
    takes_cache: bool = True
    pooler: str = ""
    unread: tuple[str, ...] = ()
