"""One forward pass of a stack: where rows lie, their positions and prefixes, and the attention that encoders ask for.

Shape letters: S members, R rows of a block (member-major), X tokens of all blocks, Y rows of all blocks, Z of both what
is asked for, G query heads, N key/value heads, H head size, D hidden size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

from panda_ray.backbones.forward.blocks import Layout
from panda_ray.backbones.forward.dropout import dropout
from panda_ray.backbones.forward.prefix_attention import PrefixStack, attend_to_rows
from panda_ray.backbones.forward.sublayer_adapters import LayerPart, SublayerAdapters

Shared = TypeVar("Shared")


def _moved(shared: Any, device: torch.device) -> Any:
    """Tensors, alone or in tuples and dictionaries, on another device."""
    if isinstance(shared, tuple):
        return tuple(_moved(each, device) for each in shared)
    if isinstance(shared, dict):
        return {name: _moved(each, device) for name, each in shared.items()}
    return shared.to(device)


@dataclass(frozen=True)
class ForwardPass:
    """What the layers of an encoder share while one pass lasts.

    Attributes:
        prefix: keys and values that every row sees before its tokens; None for the plain model.
        positions_1X: position of each token in its row, from 0, or from P where virtual tokens take positions.
        dropout: share of entries zeroed in the prefixes and inside the backbone; 0 but for training.
        with_vectors: what puts vectors into word embeddings, (1, X, W); None where they stay as they are.
        adapters: behind the parts of every layer; None for the plain model.
    """

    layout: Layout
    prefix: PrefixStack | None
    positions_1X: Tensor
    dropout: float
    with_vectors: Callable[[Tensor], Tensor] | None = None
    adapters: SublayerAdapters | None = None
    _shared: dict[Any, Any] = field(default_factory=dict)

    def on(self, device: torch.device) -> ForwardPass:
        """The same pass as layers on another device read it; what it shares by then goes along."""
        if device == self.positions_1X.device:
            return self
        moved = {compute: _moved(shared, device) for compute, shared in self._shared.items()}
        return replace(self, layout=self.layout.on(device), positions_1X=self.positions_1X.to(device), _shared=moved)

    def once(self, compute: Callable[[ForwardPass], Shared]) -> Shared:
        """What all layers read of the pass and the first of them computes."""
        if compute not in self._shared:
            self._shared[compute] = compute(self)
        shared: Shared = self._shared[compute]
        return shared

    def words(self, words_1XW: Tensor) -> Tensor:
        """Word embeddings (1, X, W) as the pass has them, before anything is added to them."""
        return words_1XW if self.with_vectors is None else self.with_vectors(words_1XW)

    def adapted(self, layer: int, part: LayerPart, pooled_only: bool) -> Callable[[Tensor], Tensor]:
        """What becomes of the output (1, Z, D) of a layer's part before it is added to what the part read.

        Args:
            pooled_only: it is of pooled tokens (Z = Y), not of all (Z = X).
        """
        adapters = self.adapters
        if adapters is None:
            return lambda x_1ZD: x_1ZD
        if pooled_only:
            rows = [block.rows for block in self.layout.blocks]
            return lambda x_1YD: torch.cat(adapters.apply(layer, part, torch.split(x_1YD[0], rows))).unsqueeze(0)
        return lambda x_1XD: self.layout.joined(adapters.apply(layer, part, self.layout.split(x_1XD[0])))

    def drop(self, x: Tensor) -> Tensor:
        """The pass's dropout where an architecture has it without a module."""
        return dropout(x, self.dropout)

    def pooled(self, x_1XD: Tensor) -> Tensor:
        """What belongs to pooled tokens, (1, Y, ...) of (1, X, ...)."""
        return x_1XD[:, self.layout.pooled_tokens()]

    def along_rows(self, x_1XD: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """What a function of rows (R, T, D) gives for each block, (1, X, D); it is given zeros for padding."""
        parts = [
            function(x_R1TD[:, 0] if real_RT is None else x_R1TD[:, 0].masked_fill(~real_RT.unsqueeze(2), 0))
            for x_R1TD, real_RT in zip(self.layout.split_rows(x_1XD[0].unsqueeze(1)), self.layout.real(), strict=True)
        ]
        return self.layout.joined([part_RTD.flatten(0, 1) for part_RTD in parts])

    def attend(
        self,
        layer: int,
        query_1ZGH: Tensor,
        key_1XNH: Tensor,
        value_1XNH: Tensor,
        *,
        scaling: float,
        pooled_only: bool,
        bias: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Attention within the rows of every block, over [prefix, tokens of the row]; (1, Z, G * H).

        Args:
            pooled_only: queries are of pooled tokens (Z = Y), not of all (Z = X).
            bias: what is added to the scores of a block's tokens (R, G, Q, T), of its queries (R, G, Q, H) and keys
                (R, N, T, H).
        """
        split = self.layout.split_pooled if pooled_only else self.layout.split_rows
        mixed_ZGH = [
            attend_to_rows(
                query_RGQH,
                key_RNTH,
                value_RNTH,
                block.pooled_sees_R11V if pooled_only else block.each_sees,
                layer=layer,
                scaling=scaling,
                dropout=self.dropout,
                prefix=self.prefix,
                bias_RGQT=None if bias is None else bias(query_RGQH, key_RNTH),
            )
            .transpose(1, 2)
            .flatten(0, 1)
            for block, query_RGQH, key_RNTH, value_RNTH in zip(
                self.layout.blocks,
                split(query_1ZGH[0]),
                self.layout.split_rows(key_1XNH[0]),
                self.layout.split_rows(value_1XNH[0]),
                strict=True,
            )
        ]
        joined_1ZGH = torch.cat(mixed_ZGH).unsqueeze(0) if pooled_only else self.layout.joined(mixed_ZGH)
        return joined_1ZGH.flatten(2)
