"""A trained prompt and the head that was trained with it, and how they are stored.

Shape letters: L layers, K = 2 (keys, values), N key/value heads, P prompt length, H head size, C outputs, D hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import safetensors.torch
from torch import Tensor


@dataclass(frozen=True)
class Prompt:
    """All trained vectors of one task.

    Attributes:
        prefix_LKNPH: keys (K=0) and values (K=1) prepended in every layer; float32.
        head_weight_CD: weight of the linear head.
        head_bias_C: its bias.
        metadata: strings kept in the file's header (task, backbone, key, ...).
    """

    prefix_LKNPH: Tensor
    head_weight_CD: Tensor
    head_bias_C: Tensor
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The prompt as a safetensors file."""
        tensors = {
            "prefix": self.prefix_LKNPH.detach().cpu().contiguous(),
            "head.weight": self.head_weight_CD.detach().cpu().contiguous(),
            "head.bias": self.head_bias_C.detach().cpu().contiguous(),
        }
        return safetensors.torch.save(tensors, metadata=dict(self.metadata))

    @classmethod
    def from_bytes(cls, data: bytes) -> Prompt:
        """The inverse of `to_bytes`, without the metadata."""
        tensors = safetensors.torch.load(data)
        return cls(tensors["prefix"], tensors["head.weight"], tensors["head.bias"])
