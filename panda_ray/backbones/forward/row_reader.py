"""Rows of an encoded split, looked up by example and cut to the longest row asked for; and how to cut many of them.

A step's examples are cut into blocks of similar length, so that short rows are not padded to long ones, and blocks are
gathered to chunks, which pass through the backbone together. Which examples a step sees does not change.

Shape letters: S members, B examples, E examples of the split, X examples asked for, K rows per example, R = X * K rows,
T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.backbones.forward.budgets import CHUNK_TOKENS, rows_per_pass
from panda_ray.tasks.encoded import EncodedSplit

_BLOCK_COST = {"cpu": 48, "cuda": 4096}
"""Tokens of padding that cost as much as the separate attention of one more block."""


class RowReader:
    """Rows of one split, by example, on the split's device.

    Args:
        split: tensors on the device that the backbone is on.
    """

    def __init__(self, split: EncodedSplit) -> None:
        self.split = split
        self._device = split.input_ids_RT.device
        self._host_lengths_R = split.lengths_R.cpu()
        self._longest_E = self._host_lengths_R.reshape(split.examples, -1).amax(dim=1)
        self._choice_K = torch.arange(split.rows_per_example)

    def tokens(self, example_X: Tensor, length: int | None = None) -> Tokens:
        """Rows of the examples (host indices, of any shape), K per example, cut to `length` or their longest row."""
        row_R = (example_X.reshape(-1, 1) * self.split.rows_per_example + self._choice_K).reshape(-1)
        lengths_R = self._host_lengths_R[row_R]
        longest = length or int(lengths_R.max())
        row_R = row_R.to(self._device, non_blocking=True)
        return Tokens(
            self.split.input_ids_RT[row_R, :longest],
            self.split.token_type_ids_RT[row_R, :longest],
            self.split.lengths_R[row_R],
            padded=bool((lengths_R != longest).any()),
        )

    def labels(self, example_X: Tensor, length: int) -> Tensor:
        """Labels of the examples, cut to `length` tokens where there is one per token."""
        labels = self.split.labels[example_X.reshape(-1).to(self._device, non_blocking=True)]
        per_token = labels.dim() == 2 and labels.shape[1] == self.split.input_ids_RT.shape[1]
        return labels[:, :length] if per_token else labels

    def examples_per_pass(self, members: int, hidden: int) -> int:
        """Examples that so many members read in one pass without gradients, through a model of that hidden size."""
        return max(1, rows_per_pass(self._device.type, hidden) // (members * self.split.rows_per_example))

    def part_of_step(self, index_SB: Tensor, part: int, parts: int) -> Tensor:
        """One of several parts (S, b) of the examples of a step, of nearly equal size and length; it may be empty."""
        sorted_SB = self.sorted_by_length(index_SB)
        place_B = torch.arange(index_SB.shape[1])
        lap_B, seat_B = place_B // parts, place_B % parts
        seat_B = torch.where(lap_B % 2 == 0, seat_B, parts - 1 - seat_B)  # back and forth, or the last part is longer
        return sorted_SB[:, seat_B == part]

    def sorted_by_length(self, index_SB: Tensor) -> Tensor:
        """The examples of a step (S, B), each member's own from short to long."""
        return index_SB.gather(1, self._longest_E[index_SB].argsort(dim=1, stable=True))

    def blocks(self, index_SB: Tensor) -> list[Tensor]:
        """Examples (S, B), sorted by length, cut into blocks (S, b) of similar length."""
        longest_B = self._longest_E[index_SB].amax(dim=0).tolist()
        rows, device = len(index_SB) * self.split.rows_per_example, self._device.type
        sizes = [1]
        for before, longest in pairwise(longest_B):
            padding = rows * sizes[-1] * abs(longest - before)
            fits = rows * (sizes[-1] + 1) * longest <= CHUNK_TOKENS[device]
            if fits and padding <= _BLOCK_COST[device]:
                sizes[-1] += 1
            else:
                sizes.append(1)
        return list(torch.split(index_SB, sizes, dim=1))

    def chunks(self, index_SB: Tensor) -> Iterator[list[Tensor]]:
        """The examples of a step (S, B) as blocks (S, b), in chunks that pass through the backbone together."""
        if not index_SB.numel():
            return
        budget, chunk, tokens = CHUNK_TOKENS[self._device.type], list[Tensor](), 0
        for block_SB in self.blocks(self.sorted_by_length(index_SB)):
            own = block_SB.numel() * self.split.rows_per_example * int(self._longest_E[block_SB].max())
            if chunk and tokens + own > budget:
                yield chunk
                chunk, tokens = [], 0
            chunk.append(block_SB)
            tokens += own
        yield chunk

    def by_length(self, examples_per_batch: int, part: int = 0, parts: int = 1) -> Iterator[Tensor]:
        """All examples, or one of several parts of them, in batches of similar length (host indices)."""
        yield from torch.split(torch.argsort(self._longest_E, stable=True)[part::parts], examples_per_batch)
