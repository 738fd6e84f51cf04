"""Trained vectors in front of the tokens of every row: prompts that enter at the input alone.

They take the positions 0 to P - 1, and the row's own tokens follow, so that rows are P tokens longer in every layer.

Shape letters: S members, R rows of a block (member-major), T tokens of a row without the vectors, P vectors, X tokens
of all blocks, vectors included, W width of word embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from panda_ray.backbones.forward.blocks import Layout, Tokens
from panda_ray.errors import InputError


@dataclass(frozen=True)
class LeadingVectors:
    """The vectors of a stack's members for one pass.

    Attributes:
        vectors_SPW: they stand where word embeddings do, so that positions and segments (the first) are added to them.
        embedded_twice: what the embedding layer makes of the tokens, positions and segments included, is taken for
            their word embeddings, and embedded once more behind the vectors.
    """

    vectors_SPW: Tensor
    embedded_twice: bool = False

    @property
    def count(self) -> int:
        """P."""
        return self.vectors_SPW.shape[1]

    def with_room(self, blocks: Sequence[Tokens]) -> list[Tokens]:
        """The blocks with P places in front of every row."""
        return [
            Tokens(
                F.pad(block.input_ids_RT, (self.count, 0)),
                F.pad(block.token_type_ids_RT, (self.count, 0)),
                block.lengths_R + self.count,
                block.padded,
            )
            for block in blocks
        ]

    def put_in(self, words_1XW: Tensor, layout: Layout, embedded: Sequence[Tensor] | None) -> Tensor:
        """Word embeddings with the vectors in their places.

        Args:
            layout: of the longer rows.
            embedded: what takes the place of the tokens' word embeddings, (R * T, W) of each block.

        Raises:
            InputError: the backbone embeds words in another width than the vectors or its layers have.
        """
        if (width := self.vectors_SPW.shape[2]) != words_1XW.shape[2]:
            raise InputError(f"vectors of {width} numbers cannot stand beside word embeddings of {words_1XW.shape[2]}")
        if embedded is not None and (width := embedded[0].shape[1]) != words_1XW.shape[2]:
            raise InputError(
                f"text cannot be embedded twice: layers have {width} numbers per token and word embeddings "
                f"{words_1XW.shape[2]}"
            )
        vectors_SPW = self.vectors_SPW.to(words_1XW.dtype)
        parts = []
        for index, (block, part_XW) in enumerate(zip(layout.blocks, layout.split(words_1XW[0]), strict=True)):
            vectors_RPW = vectors_SPW.repeat_interleave(block.rows // len(vectors_SPW), dim=0)
            own_RTW = part_XW.view(block.rows, block.length, -1)[:, self.count :]
            if embedded is not None:
                own_RTW = embedded[index].reshape_as(own_RTW)
            parts.append(torch.cat([vectors_RPW, own_RTW], dim=1).flatten(0, 1))
        return layout.joined(parts)
