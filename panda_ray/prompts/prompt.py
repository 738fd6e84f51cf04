"""A trained prompt and the head that was trained with it, and how they are stored.

Shape letters: L layers, K = 2 (keys, values), N key/value heads, P prompt length, H head size, C outputs, D hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import safetensors.torch
import torch
from torch import Tensor


@dataclass(frozen=True)
class Prompt:
    """All trained vectors of one task.

    Attributes:
        prefix_LKNPH: keys (K=0) and values (K=1) prepended in every layer; float32.
        head_weight_CD: weight of the linear head.
        head_bias_C: its bias.
        position_offset: whether token positions started at P while it was trained; it means nothing under the other.
        metadata: strings kept in the file's header (task, backbone, key, ...).
    """

    prefix_LKNPH: Tensor
    head_weight_CD: Tensor
    head_bias_C: Tensor
    position_offset: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def without_head(cls, prefix_LKNPH: Tensor, hidden: int) -> Prompt:
        """A prompt that was never trained: its head has no outputs."""
        return cls(prefix_LKNPH, torch.zeros(0, hidden), torch.zeros(0))

    def tensors(self) -> dict[str, Tensor]:
        """The trained vectors by their names in a file, on the host."""
        return {
            "prefix": self.prefix_LKNPH.detach().cpu().contiguous(),
            "head.weight": self.head_weight_CD.detach().cpu().contiguous(),
            "head.bias": self.head_bias_C.detach().cpu().contiguous(),
            "position_offset": torch.tensor(self.position_offset),
        }

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> Prompt:
        """The inverse of `tensors`."""
        offset = bool(tensors["position_offset"])
        return cls(tensors["prefix"], tensors["head.weight"], tensors["head.bias"], offset)

    def to_bytes(self) -> bytes:
        """The prompt as a safetensors file."""
        return safetensors.torch.save(self.tensors(), metadata=dict(self.metadata))

    @classmethod
    def from_bytes(cls, data: bytes) -> Prompt:
        """The inverse of `to_bytes`, without the metadata."""
        return cls.of_tensors(safetensors.torch.load(data))
