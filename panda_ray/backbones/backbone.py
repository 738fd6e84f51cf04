"""A frozen backbone: geometry, tokenizer and one forward pass for a whole stack of prefixes.

Shape letters: S members, R rows of a block (member-major), T tokens, X tokens of all blocks, Y rows of all blocks, Z of
both what is asked for, P prompt length, L layers, K = 2 (keys, values), N key/value heads, H head size, D hidden size,
F feed-forward size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from panda_ray.backbones.encoder import Architecture
from panda_ray.backbones.forward.blocks import Layout, Tokens
from panda_ray.backbones.forward.dropout import use_pass_dropout
from panda_ray.backbones.forward.forward_pass import ForwardPass
from panda_ray.backbones.forward.frozen_linear import use_frozen_linear
from panda_ray.backbones.forward.layers import Layers
from panda_ray.backbones.forward.leading_vectors import LeadingVectors
from panda_ray.backbones.forward.other_weights import OtherWeights
from panda_ray.backbones.forward.own_type import use_own_types
from panda_ray.backbones.forward.prefix_attention import PrefixStack
from panda_ray.backbones.forward.sublayer_adapters import SublayerAdapters
from panda_ray.backbones.sizes import check_positions
from panda_ray.errors import InputError


@dataclass(frozen=True)
class Features:
    """What heads read of a block: the pooled vector of each row, and the last hidden state of each token."""

    hidden_RTD: Tensor
    _pooled_RD: Tensor | None
    _without_pooler: str = ""

    @classmethod
    def joined(cls, parts: Sequence[Features]) -> Features:
        """Features of the rows of all parts, which have as many tokens."""
        pooled = [part._pooled_RD for part in parts if part._pooled_RD is not None]
        hidden_RTD = torch.cat([part.hidden_RTD for part in parts])
        return cls(hidden_RTD, torch.cat(pooled) if pooled else None, parts[0]._without_pooler)

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
        model: of transformers; its own attention is not used. Its matrices stay in the type that they have.
        without_pooler: what to say to those who read pooled vectors, if the checkpoint has no pooler.
        activation_checkpointing: keep of each layer its input alone, and compute the layer once more for its gradients:
            the same numbers in less memory and more time.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        tokenizer: Any,
        architecture: Architecture,
        without_pooler: str = "",
        *,
        activation_checkpointing: bool = False,
    ) -> None:
        self.name = name
        self.tokenizer = tokenizer
        self.architecture = architecture
        self._model = model.eval().requires_grad_(False)
        self._pass_dropout = use_pass_dropout(model)
        self._other_weights = OtherWeights(model)
        use_own_types(model)
        use_frozen_linear(model)
        self._without_pooler = without_pooler
        for made_of_random_numbers in (*architecture.unread, *((architecture.pooler,) if without_pooler else ())):
            model.register_module(made_of_random_numbers, None)
        self._encoder = architecture.encoder(model)
        config: Any = model.config
        self.geometry = architecture.geometry(config.to_dict())
        self._layers = Layers(
            self._encoder, self.geometry.layers, self._pass_dropout, self._other_weights, activation_checkpointing
        )

    @property
    def device(self) -> torch.device:
        """Where everything but the layers is: what a pass reads and gives, and what is trained."""
        return next(self._model.parameters()).device

    @property
    def devices(self) -> tuple[torch.device, ...]:
        """All that it is spread over, that one first."""
        return self._layers.devices

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
        pooled_only: bool = False,
        leading: LeadingVectors | None = None,
        adapters: SublayerAdapters | None = None,
    ) -> list[Features]:
        """Encode blocks of rows, each row with its member's prefix (of R rows, row r belongs to member r // (R / S)).

        Args:
            blocks: their linear layers run together; only attention runs block by block.
            prefix_SLKNPH: the stack's prefixes; None (or P = 0) is the plain model.
            position_offset: token positions start at P, as with `past_key_values`, or at 0.
            dropout: share of entries zeroed in the prefixes and inside the backbone; 0 but for training.
            pooled_only: compute of the last layer what the pooled token of each row needs; hidden states are then those
                of pooled tokens, (R, 1, D).
            leading: vectors in front of every row's tokens, in the input alone; features are of the row's tokens.
            adapters: behind the parts of every layer.
        """
        return self._pass(blocks, prefix_SLKNPH, position_offset, dropout, pooled_only, leading, adapters)

    def word_embeddings(self, input_ids_RT: Tensor) -> Tensor:
        """(R, T, W), without positions and segments.

        Raises:
            InputError: they are of another width than the hidden states.
        """
        model: Any = self._model
        words_RTW: Tensor = model.get_input_embeddings()(input_ids_RT)
        if (width := words_RTW.shape[2]) != self.geometry.hidden:
            raise InputError(
                f"backbone {self.name!r} has word embeddings of {width} numbers and hidden states of "
                f"{self.geometry.hidden}; what reads both needs them of one width"
            )
        return words_RTW

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """Every weight that a pass reads, by its name in the model."""
        return dict(self._model.named_parameters())

    def forward_with(
        self,
        weights: Mapping[str, Tensor],
        blocks: Sequence[Tokens],
        *,
        dropout: float = 0.0,
        pooled_only: bool = False,
    ) -> list[Features]:
        """Encode blocks without a prompt by a model with these weights, which may take gradients, in place of its own.

        Args:
            weights: some or all, by the names of `weights`.
            blocks, dropout, pooled_only: as `forward` has them.
        """
        return self._other_weights.during(
            weights, self._pass, blocks, None, False, dropout, pooled_only, None, None, weights
        )

    def _pass(
        self,
        blocks: Sequence[Tokens],
        prefix_SLKNPH: Tensor | None,
        position_offset: bool,
        dropout: float,
        pooled_only: bool,
        leading: LeadingVectors | None,
        adapters: SublayerAdapters | None,
        weights: Mapping[str, Tensor] | None = None,
    ) -> list[Features]:
        """`forward`, or `forward_with` these weights, which are in their place."""
        prompt_len = 0 if prefix_SLKNPH is None else prefix_SLKNPH.shape[4]
        rows = blocks if leading is None else leading.with_room(blocks)
        layout = self._layout(rows, prompt_len, 0 if leading is None else leading.count)
        with self._pass_dropout.during_pass(dropout):
            run = ForwardPass(
                layout,
                PrefixStack(prefix_SLKNPH) if prefix_SLKNPH is not None and prompt_len else None,
                layout.positions() + (prompt_len if position_offset else 0),
                dropout,
                None if leading is None else self._with_vectors(leading, blocks, layout, dropout),
                adapters,
            )
            hidden_1ZD = self._layers.run(self._embedded(rows, run), run, pooled_only, weights)
            hidden_1ZD = self._encoder.finish(hidden_1ZD)
        return self._features(hidden_1ZD[0], layout, pooled_only)

    def _layout(self, blocks: Sequence[Tokens], prompt_len: int, leading: int = 0) -> Layout:
        architecture = self.architecture
        return Layout(blocks, prompt_len, causal=architecture.causal, pooled=architecture.pooled, leading=leading)

    def _with_vectors(
        self, leading: LeadingVectors, blocks: Sequence[Tokens], layout: Layout, dropout: float
    ) -> Callable[[Tensor], Tensor]:
        """What puts the vectors in front of the word embeddings of these blocks."""
        embedded = None
        if leading.embedded_twice:
            plain = self._layout(blocks, 0)
            run = ForwardPass(plain, None, plain.positions(), dropout)
            embedded = plain.split(self._embedded(blocks, run)[0])
        return lambda words_1XW: leading.put_in(words_1XW, layout, embedded)

    def _embedded(self, blocks: Sequence[Tokens], run: ForwardPass) -> Tensor:
        """What the first layer reads, (1, X, D)."""
        return self._encoder.embed(
            run.layout.joined([tokens.input_ids_RT.flatten() for tokens in blocks]),
            run.layout.joined([tokens.token_type_ids_RT.flatten() for tokens in blocks]),
            run,
        )

    def _features(self, hidden_ZD: Tensor, layout: Layout, pooled_only: bool) -> list[Features]:
        """Hidden states cut into blocks, and pooled."""
        rows = [block.rows for block in layout.blocks]
        parts = torch.split(hidden_ZD, rows) if pooled_only else layout.split(hidden_ZD)
        hidden = [part_ZD.reshape(count, -1, part_ZD.shape[1]) for count, part_ZD in zip(rows, parts, strict=True)]
        if not pooled_only:
            hidden = [hidden_RTD[:, layout.leading :] for hidden_RTD in hidden]
        if self._without_pooler:
            return [Features(hidden_RTD, None, self._without_pooler) for hidden_RTD in hidden]
        pooled_YD = self._encoder.pool(hidden_ZD if pooled_only else hidden_ZD[layout.pooled_tokens()])
        return [Features(*features) for features in zip(hidden, torch.split(pooled_YD, rows), strict=True)]

    @contextmanager
    def recorded_activations(self, into: list[Tensor]) -> Iterator[None]:
        """Append each layer's feed-forward activations (1, X, F), after the non-linearity, while the context lasts."""

        def record(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            into.append(output.to(self.device))

        modules = [self._encoder.activations(layer) for layer in range(self.geometry.layers)]
        hooks = [module.register_forward_hook(record) for module in modules]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
