"""A frozen backbone: geometry, tokenizer and one forward pass for a whole stack of prefixes.

Shape letters: S members, R rows (member-major), T tokens, P prompt length, L layers, K = 2 (keys, values), N heads,
H head size, D hidden size, F feed-forward size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from panda_ray.backbones.families import FamilySpec
from panda_ray.backbones.prefix_attention import PrefixStack
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
class Tokens:
    """Encoded rows on the backbone's device.

    Attributes:
        input_ids_RT, token_type_ids_RT: int64.
        lengths_R: int64, tokens per row without padding.
    """

    input_ids_RT: Tensor
    token_type_ids_RT: Tensor
    lengths_R: Tensor


@dataclass(frozen=True)
class Features:
    """What heads read: the pooled vector of each row, and the last hidden state of each token."""

    pooled_RD: Tensor
    tokens_RTD: Tensor


class Backbone:
    """A pre-trained encoder whose weights never change.

    Args:
        name: as in a sweep file.
        model: loaded with the attention of `prefix_attention`.
    """

    def __init__(self, name: str, model: nn.Module, tokenizer: Any, family: FamilySpec) -> None:
        self.name = name
        self.tokenizer = tokenizer
        self.family = family
        self._model = model.eval().requires_grad_(False)
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

    @contextmanager
    def training_mode(self, dropout: float) -> Iterator[None]:
        """Dropout on inside the backbone while the context lasts; its weights stay frozen."""
        for module in self._model.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout
        self._model.train()
        try:
            yield
        finally:
            self._model.eval()

    def check_fits(self, prompt_len: int, max_len: int, position_offset: bool) -> None:
        """Raises InputError where prompt and text together need more positions than the backbone has."""
        needed = max_len + (prompt_len if position_offset else 0)
        if needed > self.geometry.max_positions:
            raise InputError(
                f"prompt_len {prompt_len} and max_len {max_len} need {needed} positions, but backbone {self.name!r} "
                f"has {self.geometry.max_positions}; lower one of them"
            )

    def forward(
        self, tokens: Tokens, prefix_SLKNPH: Tensor | None, *, position_offset: bool, prefix_dropout: float = 0.0
    ) -> Features:
        """Encode R rows, each with its member's prefix (row r belongs to member r // (R / S)).

        Args:
            prefix_SLKNPH: the stack's prefixes; None (or P = 0) is the plain model.
            position_offset: token positions start at P, as with `past_key_values`, or at 0.
        """
        rows, length = tokens.input_ids_RT.shape
        prompt_len = 0 if prefix_SLKNPH is None else prefix_SLKNPH.shape[4]
        prefix = PrefixStack(prefix_SLKNPH, prefix_dropout) if prefix_SLKNPH is not None and prompt_len else None
        first = self._first_position + (prompt_len if position_offset else 0)
        position_ids_1T = torch.arange(first, first + length, device=tokens.input_ids_RT.device).unsqueeze(0)
        output = self._model(
            input_ids=tokens.input_ids_RT,
            token_type_ids=tokens.token_type_ids_RT,
            position_ids=position_ids_1T.expand(rows, length),
            attention_mask=_mask(tokens, prompt_len),
            prefix=prefix,
        )
        hidden_RTD = output.last_hidden_state
        pooled_RD = output.pooler_output if self.family.pooling == "pooler" else hidden_RTD[:, 0]
        return Features(pooled_RD, hidden_RTD)

    @contextmanager
    def recorded_activations(self, into: list[Tensor]) -> Iterator[None]:
        """Append each layer's feed-forward activations (R, T, F), after the non-linearity, while the context lasts."""

        def record(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            into.append(output)

        paths = [self.family.activations.format(layer=layer) for layer in range(self.geometry.layers)]
        hooks = [self._model.get_submodule(path).register_forward_hook(record) for path in paths]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def _mask(tokens: Tokens, prompt_len: int) -> Tensor:
    """Boolean mask (R, 1, T, P + T): every token sees the prefix and all tokens but padding.

    Four dimensions make transformers take the mask as it is; a mask of its own would not know the prefix.
    """
    rows, length = tokens.input_ids_RT.shape
    index_T = torch.arange(-prompt_len, length, device=tokens.lengths_R.device)
    visible_RT = index_T < tokens.lengths_R.unsqueeze(1)
    return visible_RT[:, None, None, :].expand(rows, 1, length, prompt_len + length)
