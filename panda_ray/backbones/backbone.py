"""A frozen backbone: geometry, tokenizer and one forward pass for a whole stack of prefixes.

Shape letters: S members, R rows of a block (member-major), T tokens, X tokens of all blocks, Y rows of all blocks,
P prompt length, L layers, K = 2 (keys, values), N heads, H head size, D hidden size, F feed-forward size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from panda_ray.backbones.blocks import Layout, Tokens
from panda_ray.backbones.dropout import use_pass_dropout
from panda_ray.backbones.families import FamilySpec
from panda_ray.backbones.frozen_linear import use_frozen_linear
from panda_ray.backbones.prefix_attention import PrefixStack
from panda_ray.backbones.sizes import check_positions
from panda_ray.errors import InputError


@dataclass(frozen=True)
class Geometry:
    """The sizes that a prompt must agree with."""

    layers: int
    heads: int
    head_size: int
    hidden: int
    max_positions: int
    """Positions that tokens may take, virtual tokens included where they shift them."""


@dataclass(frozen=True)
class Features:
    """What heads read of a block: the pooled vector of each row, and the last hidden state of each token."""

    tokens_RTD: Tensor
    _pooled_RD: Tensor | None
    _without_pooler: str = ""

    @property
    def pooled_RD(self) -> Tensor:
        """The pooled vector of each row.

        Raises:
            InputError: the checkpoint has no pooler.
        """
        if self._pooled_RD is None:
            raise InputError(self._without_pooler)
        return self._pooled_RD


class Backbone:
    """A pre-trained encoder whose weights never change, and which is in evaluation mode always.

    Args:
        name: as in a sweep file.
        model: loaded with the attention of `prefix_attention`.
        without_pooler: what to say to those who read pooled vectors, if the checkpoint has no pooler.
    """

    def __init__(
        self, name: str, model: nn.Module, tokenizer: Any, family: FamilySpec, without_pooler: str = ""
    ) -> None:
        self.name = name
        self.tokenizer = tokenizer
        self.family = family
        self._model = model.eval().requires_grad_(False)
        self._layers: Sequence[Any] = [*model.get_submodule(family.layers).children()]
        self._pass_dropout = use_pass_dropout(model)
        use_frozen_linear(model)
        self._without_pooler = without_pooler
        if without_pooler:
            model.register_module("pooler", None)  # transformers made one of random numbers
        config: Any = model.config
        self._first_position = family.first_position(config)
        self.geometry = Geometry(
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            head_size=config.hidden_size // config.num_attention_heads,
            hidden=config.hidden_size,
            max_positions=config.max_position_embeddings - self._first_position,
        )
        self.parameters = sum(weight.numel() for weight in model.parameters())

    @property
    def device(self) -> torch.device:
        return next(self._model.parameters()).device

    def check_fits(self, prompt_len: int, max_len: int, position_offset: bool) -> None:
        """Raises InputError where prompt and text together need more positions than the backbone has."""
        check_positions(self.name, self.geometry.max_positions, prompt_len, max_len, position_offset)

    def forward(
        self,
        blocks: Sequence[Tokens],
        prefix_SLKNPH: Tensor | None,
        *,
        position_offset: bool,
        dropout: float = 0.0,
        first_only: bool = False,
    ) -> list[Features]:
        """Encode blocks of rows, each row with its member's prefix (of R rows, row r belongs to member r // (R / S)).

        Args:
            blocks: their linear layers run together; only attention runs block by block.
            prefix_SLKNPH: the stack's prefixes; None (or P = 0) is the plain model.
            position_offset: token positions start at P, as with `past_key_values`, or at 0.
            dropout: share of entries zeroed in the prefixes and inside the backbone; 0 but for training.
            first_only: compute of the last layer what its first token needs; hidden states are then (R, 1, D).
        """
        prompt_len = 0 if prefix_SLKNPH is None else prefix_SLKNPH.shape[4]
        prefix = PrefixStack(prefix_SLKNPH) if prefix_SLKNPH is not None and prompt_len else None
        layout = Layout(blocks, prompt_len)
        first = self._first_position + (prompt_len if position_offset else 0)
        with self._pass_dropout.during_pass(dropout):
            hidden_1XD = self._hidden(blocks, layout, prefix, first, dropout, first_only)
        return self._features(hidden_1XD[0], layout, first_only)

    def _hidden(
        self,
        blocks: Sequence[Tokens],
        layout: Layout,
        prefix: PrefixStack | None,
        first: int,
        dropout: float,
        first_only: bool,
    ) -> Tensor:
        """Last hidden states, (1, X, D), or (1, Y, D) of the first tokens alone; `first` is their position."""
        hidden_1XD: Tensor = self._model.embeddings(  # type: ignore[operator]
            input_ids=layout.joined([tokens.input_ids_RT.flatten() for tokens in blocks]),
            token_type_ids=layout.joined([tokens.token_type_ids_RT.flatten() for tokens in blocks]),
            position_ids=layout.positions() + first,
        )
        *body, last = self._layers
        for layer in body if first_only else self._layers:
            hidden_1XD = layer(hidden_1XD, None, layout=layout, prefix=prefix, pass_dropout=dropout)
        if first_only:
            hidden_1XD = self.family.first_tokens(last, hidden_1XD, layout, prefix, dropout)
        return hidden_1XD

    def _features(self, hidden_XD: Tensor, layout: Layout, first_only: bool) -> list[Features]:
        """Hidden states cut into blocks, and pooled."""
        rows = [block.rows for block in layout.blocks]
        parts = torch.split(hidden_XD, rows) if first_only else layout.split(hidden_XD)
        hidden = [part_ZD.reshape(count, -1, part_ZD.shape[1]) for count, part_ZD in zip(rows, parts, strict=True)]
        if self.family.pooling == "pooler" and self._without_pooler:
            return [Features(hidden_RTD, None, self._without_pooler) for hidden_RTD in hidden]
        first_YD = torch.cat([hidden_RTD[:, 0] for hidden_RTD in hidden])
        if self.family.pooling == "pooler":
            first_YD = self._model.pooler(first_YD.unsqueeze(1))  # type: ignore[operator]
        return [Features(*features) for features in zip(hidden, torch.split(first_YD, rows), strict=True)]

    @contextmanager
    def recorded_activations(self, into: list[Tensor]) -> Iterator[None]:
        """Append each layer's feed-forward activations (1, X, F), after the non-linearity, while the context lasts."""

        def record(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            into.append(output)

        paths = [self.family.activations.format(layer=layer) for layer in range(self.geometry.layers)]
        hooks = [self._model.get_submodule(path).register_forward_hook(record) for path in paths]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
