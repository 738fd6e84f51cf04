"""A trained prompt and the head that was trained with it, and how they are stored.

Shape letters: L layers, K = 2 (keys, values), N key/value heads, P prompt length, H head size, C outputs, D hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from panda_ray.backbones import Geometry
from panda_ray.errors import InputError


def kept_tensors(data: bytes) -> dict[str, Tensor]:
    """What a training has kept, by name.

    Args:
        data: a safetensors file.

    Raises:
        InputError: these bytes are none.
    """
    try:
        return safetensors.torch.load(data)
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise InputError(f"this is no prompt file: {error}") from error


@dataclass(frozen=True)
class Prompt:
    """All trained vectors of one task.

    Attributes:
        prefix_LKNPH: keys (K=0) and values (K=1) prepended in every layer; float32.
        head_weight_CD: weight of the linear head.
        head_bias_C: its bias.
        position_offset: whether token positions started at P while it was trained; it means nothing under the other.
    """

    prefix_LKNPH: Tensor
    head_weight_CD: Tensor
    head_bias_C: Tensor
    position_offset: bool = True

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

    @classmethod
    def from_bytes(cls, data: bytes) -> Prompt:
        """Read a safetensors file of `tensors`.

        Raises:
            InputError: these bytes are no prompt.
        """
        tensors = kept_tensors(data)
        try:
            prompt = cls.of_tensors(tensors)
        except (KeyError, ValueError, RuntimeError) as error:
            raise InputError(f"this is no prompt file: {error}") from error
        prompt._check()
        return prompt

    def check_fits(self, geometry: Geometry) -> None:
        """Refuse a prompt of another backbone.

        Raises:
            InputError: its sizes differ.
        """
        found = (self.prefix_LKNPH.shape[0], self.prefix_LKNPH.shape[2], self.prefix_LKNPH.shape[4])
        expected = (geometry.layers, geometry.kv_heads, geometry.head_size)
        if found != expected:
            raise InputError(
                f"a prompt has {found[0]} layers, {found[1]} key/value heads and head size {found[2]}; "
                f"the backbone has {expected[0]}, {expected[1]} and {expected[2]}"
            )

    def _check(self) -> None:
        prefix, weight, bias = self.prefix_LKNPH, self.head_weight_CD, self.head_bias_C
        shapes = [tuple(tensor.shape) for tensor in (prefix, weight, bias)]
        if prefix.dim() != 5 or prefix.shape[1] != 2 or weight.dim() != 2 or shapes[2] != shapes[1][:1]:
            raise InputError(f"this is no prompt file: prefix, weight and bias have the shapes {shapes}")
        for tensor in (prefix, weight, bias):
            if tensor.dtype != torch.float32 or not bool(tensor.isfinite().all()):
                raise InputError(f"this is no prompt file: {tensor.dtype}, or not finite, instead of finite float32")
