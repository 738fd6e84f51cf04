"""Rows of different lengths as one sequence of tokens, so that nothing but attention knows where rows end.

Rows of similar length form a block, padded to its longest row. A backbone's linear layers see the tokens of all blocks
as one row (1, X), X = sum of R * T; attention takes each block out of it, as a view. On a CPU the row is filled up to a
length that many passes share, because oneDNN keeps a kernel and its buffers for every shape that it meets.

Shape letters: R rows of a block (member-major), T tokens of a row, X tokens of all blocks, P prompt length, N heads,
H head size, Y rows of all blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal

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
        pooled_sees_R11V: True where the pooled token of a row sees a key, over [prefix, tokens] (V = P + T); None where
            it sees all.
        each_sees: the same of every token, (R, 1, 1, V), or (1, 1, T, V) where each sees those before it alone.
    """

    start: int
    rows: int
    length: int
    pooled_sees_R11V: Tensor | None
    each_sees: Tensor | None


class Layout:
    """The blocks of one forward pass.

    Args:
        prompt_len: P, keys that every token sees besides the tokens of its row.
        causal: whether a token sees only itself and those before it. Padding comes last, so that no token sees it then.
        pooled: which real token of a row stands for all of it.
        leading: places in front of every row that hold no token of it.

    Attributes:
        leading: the same.
        filler: tokens at the end of X that belong to no block; nothing reads what becomes of them.
    """

    def __init__(
        self,
        blocks: Sequence[Tokens],
        prompt_len: int,
        *,
        causal: bool,
        pooled: Literal["first", "last"],
        leading: int = 0,
    ) -> None:
        self.blocks: list[Block] = []
        start = 0
        for tokens in blocks:
            rows, length = tokens.input_ids_RT.shape
            real_R11V = _real(tokens, prompt_len) if tokens.padded else None
            each_sees = _before(tokens, prompt_len) if causal else real_R11V
            self.blocks.append(Block(start, rows, length, real_R11V, each_sees))
            start += rows * length
        self._last_of_Y = torch.cat([tokens.lengths_R for tokens in blocks]) - 1 if pooled == "last" else None
        self.leading = leading
        self._device = blocks[0].input_ids_RT.device
        self.filler = _filler(start) if self._device.type == "cpu" else 0

    def on(self, device: torch.device) -> Layout:
        """The same layout for tokens on another device."""
        moved = copy(self)
        moved._device = device
        moved.blocks = [
            replace(
                block,
                pooled_sees_R11V=_there(block.pooled_sees_R11V, device),
                each_sees=_there(block.each_sees, device),
            )
            for block in self.blocks
        ]
        moved._last_of_Y = _there(self._last_of_Y, device)
        return moved

    def joined(self, parts: Sequence[Tensor]) -> Tensor:
        """One tensor per block, its tokens in the first dimension, as one row of tokens (1, X, ...)."""
        return torch.cat([*parts, parts[0].new_zeros((self.filler, *parts[0].shape[1:]))]).unsqueeze(0)

    def split(self, x_XD: Tensor) -> list[Tensor]:
        """The tokens of each block, as views.

        One split, because the gradient of a slice is as large as the whole tensor.
        """
        *parts, _ = torch.split(x_XD, [*(block.rows * block.length for block in self.blocks), self.filler])
        return parts

    def split_rows(self, x_XNH: Tensor) -> list[Tensor]:
        """The rows of each block, (R, N, T, H) and views."""
        return [
            part_XNH.view(block.rows, block.length, *part_XNH.shape[1:]).transpose(1, 2)
            for block, part_XNH in zip(self.blocks, self.split(x_XNH), strict=True)
        ]

    def split_pooled(self, x_YNH: Tensor) -> list[Tensor]:
        """The pooled tokens of each block, (R, N, 1, H) and views."""
        return list(torch.split(x_YNH.unsqueeze(2), [block.rows for block in self.blocks]))

    def pooled_tokens(self) -> Tensor:
        """Where in X the pooled token of each row lies, (Y,) int64."""
        starts = [
            torch.arange(block.start, block.start + block.rows * block.length, block.length, device=self._device)
            for block in self.blocks
        ]
        start_Y = torch.cat(starts)
        return start_Y + (self.leading if self._last_of_Y is None else self._last_of_Y)

    def real(self) -> list[Tensor | None]:
        """Which tokens of each block are no padding, (R, T); None where all of them are."""
        seen = [block.pooled_sees_R11V for block in self.blocks]
        return [
            None if sees_R11V is None else sees_R11V[:, 0, 0, -block.length :]
            for block, sees_R11V in zip(self.blocks, seen, strict=True)
        ]

    def positions(self) -> Tensor:
        """Position of each token in its row, from 0, (1, X) int64."""
        return self.joined(
            [torch.arange(block.length, device=self._device).repeat(block.rows) for block in self.blocks]
        )


def _there(x: Tensor | None, device: torch.device) -> Tensor | None:
    return None if x is None else x.to(device)


def _filler(tokens: int) -> int:
    """Tokens that are missing to one of sixteen lengths per doubling: from 512 on at most 6 per cent, 3 on average."""
    step = max(32, (1 << tokens.bit_length()) >> 5)
    return -tokens % step


def _real(tokens: Tokens, prompt_len: int) -> Tensor:
    """Keys that are no padding, (R, 1, 1, V)."""
    index_V = torch.arange(-prompt_len, tokens.input_ids_RT.shape[1], device=tokens.lengths_R.device)
    return (index_V < tokens.lengths_R.unsqueeze(1))[:, None, None, :]


def _before(tokens: Tokens, prompt_len: int) -> Tensor:
    """Keys that come no later than a token, (1, 1, T, V)."""
    length = tokens.input_ids_RT.shape[1]
    index_V = torch.arange(-prompt_len, length, device=tokens.lengths_R.device)
    return (index_V <= index_V[prompt_len:].unsqueeze(1))[None, None]
