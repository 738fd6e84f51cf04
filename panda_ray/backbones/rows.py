"""Rows of an encoded split, looked up by example and cut to the longest row asked for.

Shape letters: E examples of the split, X examples asked for, K rows per example, R = X * K rows, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Tokens
from panda_ray.tasks.encoded import EncodedSplit

_CHUNK_ROWS = {"cpu": 64, "cuda": 2048}
"""Rows per training pass: enough to fill the device, few enough to be of similar length."""


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

    def tokens(self, example_X: Tensor) -> Tokens:
        """Rows of the examples (host indices, any number of them), K per example, cut to their longest row."""
        row_R = (example_X.reshape(-1, 1) * self.split.rows_per_example + self._choice_K).reshape(-1)
        longest = int(self._host_lengths_R[row_R].max())
        row_R = row_R.to(self._device, non_blocking=True)
        return Tokens(
            self.split.input_ids_RT[row_R, :longest],
            self.split.token_type_ids_RT[row_R, :longest],
            self.split.lengths_R[row_R],
        )

    def labels(self, example_X: Tensor, length: int) -> Tensor:
        """Labels of the examples, cut to `length` tokens where there is one per token."""
        labels = self.split.labels[example_X.reshape(-1).to(self._device, non_blocking=True)]
        per_token = labels.dim() == 2 and labels.shape[1] == self.split.input_ids_RT.shape[1]
        return labels[:, :length] if per_token else labels

    def part_of_step(self, index_SB: Tensor, part: int, parts: int) -> Tensor:
        """One of several parts (S, b) of the examples of a step, of nearly equal size and length; it may be empty."""
        sorted_SB = index_SB.gather(1, self._longest_E[index_SB].argsort(dim=1, stable=True))
        place_B = torch.arange(index_SB.shape[1])
        lap_B, seat_B = place_B // parts, place_B % parts
        seat_B = torch.where(lap_B % 2 == 0, seat_B, parts - 1 - seat_B)  # back and forth, or the last part is longer
        return sorted_SB[:, seat_B == part]

    def chunks_by_length(self, index_SB: Tensor) -> Iterator[Tensor]:
        """The examples of a step (S, B) in chunks (S, b) of similar length, so that short rows are not padded to long.

        Which examples the step sees does not change: every chunk is a part of it.
        """
        members, examples = index_SB.shape
        if not examples:
            return
        longest_E = self._longest_E[index_SB]
        sorted_SB = index_SB.gather(1, longest_E.argsort(dim=1, stable=True))
        width = max(1, _CHUNK_ROWS[self._device.type] // (members * self.split.rows_per_example))
        yield from torch.split(sorted_SB, -(-examples // -(-examples // width)), dim=1)

    def by_length(self, examples_per_batch: int, part: int = 0, parts: int = 1) -> Iterator[Tensor]:
        """All examples, or one of several parts of them, in batches of similar length (host indices)."""
        yield from torch.split(torch.argsort(self._longest_E, stable=True)[part::parts], examples_per_batch)
