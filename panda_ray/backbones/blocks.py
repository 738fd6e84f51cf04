"""Rows of different lengths as one sequence of tokens, so that nothing but attention knows where rows end.

Rows of similar length form a block, padded to its longest row. A backbone's linear layers see the tokens of all blocks
as one row (1, X), X = sum of R * T; attention takes each block out of it, as a view. On a CPU the row is filled up to a
length that many passes share, because oneDNN keeps a kernel and its buffers for every shape that it meets.

Shape letters: R rows of a block (member-major), T tokens of a row, X tokens of all blocks, P prompt length, N heads,
H head size, Y rows of all blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tokens:
    """One block of encoded rows on the backbone's device.

    Attributes:
        input_ids_RT, token_type_ids_RT: int64.
        lengths_R: int64, tokens per row without padding.
        padded: whether some row is shorter than T; blocks without padding need no mask.
    """

    input_ids_RT: Tensor
    token_type_ids_RT: Tensor
    lengths_R: Tensor
    padded: bool = True


@dataclass(frozen=True)
class Block:
    """Where one block lies, and what its tokens may see.

    Attributes:
        start: of its tokens in X.
        visible_R11V: True where a key counts, over [prefix, tokens] (V = P + T); None where all do.
    """

    start: int
    rows: int
    length: int
    visible_R11V: Tensor | None


class Layout:
    """The blocks of one forward pass.

    Args:
        prompt_len: P, keys that every token sees besides the tokens of its row.

    Attributes:
        filler: tokens at the end of X that belong to no block; nothing reads what becomes of them.
    """

    def __init__(self, blocks: Sequence[Tokens], prompt_len: int) -> None:
        self.blocks: list[Block] = []
        start = 0
        for tokens in blocks:
            rows, length = tokens.input_ids_RT.shape
            self.blocks.append(Block(start, rows, length, _visible(tokens, prompt_len) if tokens.padded else None))
            start += rows * length
        self._device = blocks[0].input_ids_RT.device
        self.filler = _filler(start) if self._device.type == "cpu" else 0

    def joined(self, parts: Sequence[Tensor]) -> Tensor:
        """One tensor per block, its tokens in the first dimension, as one row of tokens (1, X, ...)."""
        return torch.cat([*parts, parts[0].new_zeros((self.filler, *parts[0].shape[1:]))]).unsqueeze(0)

    def split(self, x_XD: Tensor, dim: int = 0) -> list[Tensor]:
        """The tokens of each block, as views.

        One split, because the gradient of a slice is as large as the whole tensor.
        """
        *parts, _ = torch.split(x_XD, [*(block.rows * block.length for block in self.blocks), self.filler], dim=dim)
        return parts

    def split_heads(self, x_1NXH: Tensor) -> list[Tensor]:
        """The blocks of a tensor of heads, each (R, N, T, H) and a view."""
        return [
            part_NZH.reshape(len(part_NZH), block.rows, block.length, -1).transpose(0, 1)
            for block, part_NZH in zip(self.blocks, self.split(x_1NXH[0], dim=1), strict=True)
        ]

    def first_tokens(self) -> Tensor:
        """Where each row begins, (Y,) int64."""
        starts = [
            torch.arange(block.start, block.start + block.rows * block.length, block.length, device=self._device)
            for block in self.blocks
        ]
        return torch.cat(starts)

    def positions(self) -> Tensor:
        """Position of each token in its row, from 0, (1, X) int64."""
        return self.joined(
            [torch.arange(block.length, device=self._device).repeat(block.rows) for block in self.blocks]
        )


def _filler(tokens: int) -> int:
    """Tokens that are missing to one of sixteen lengths per doubling: from 512 on at most 6 per cent, 3 on average."""
    step = max(32, (1 << tokens.bit_length()) >> 5)
    return -tokens % step


def _visible(tokens: Tokens, prompt_len: int) -> Tensor:
    index_V = torch.arange(-prompt_len, tokens.input_ids_RT.shape[1], device=tokens.lengths_R.device)
    return (index_V < tokens.lengths_R.unsqueeze(1))[:, None, None, :]
