"""Qwen 2, 2.5 and 3: LLaMA with biases of queries, keys and values, or with a norm of each head's queries and keys.

Some layers of some models may see a window of tokens alone. Within one window that changes nothing, so such a model has
as many positions as its window is wide.

Shape letters: Z tokens asked for, G query heads, N key/value heads, H head size.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from panda_ray.backbones.encoder import Architecture, Config
from panda_ray.backbones.encoders.llama import LlamaEncoder, geometry_of, sizes_of
from panda_ray.backbones.sizes import Geometry, Sizes

if TYPE_CHECKING:
    from torch import Tensor

_HEAD_SIZE = {"qwen3": 128}
"""Where a configuration leaves it out, and it is not the hidden size over the heads."""


class Qwen3Encoder(LlamaEncoder):
    """Args:
    model: `Qwen3Model`.
    """

    def _queries(self, own: Any, queried_1ZD: Tensor) -> Tensor:
        normed_1ZGH: Tensor = own.q_norm(super()._queries(own, queried_1ZD))
        return normed_1ZGH

    def _keys(self, own: Any, normed_1XD: Tensor) -> Tensor:
        normed_1XNH: Tensor = own.k_norm(super()._keys(own, normed_1XD))
        return normed_1XNH


def _geometry(config: Config) -> Geometry:
    geometry = geometry_of(_with_head_size(config))
    if not config.get("use_sliding_window"):
        return geometry
    return replace(geometry, max_positions=min(geometry.max_positions, config["sliding_window"]))


def _sizes(config: Config) -> Sizes:
    return replace(sizes_of(_with_head_size(config)), positions=_geometry(config).max_positions)


def _with_head_size(config: Config) -> Config:
    default = _HEAD_SIZE.get(config["model_type"])
    return config if default is None else {"head_dim": default, **config}


QWEN2 = Architecture("qwen2", LlamaEncoder, causal=True, pooled="last", geometry=_geometry, sizes=_sizes)
QWEN3 = Architecture("qwen3", Qwen3Encoder, causal=True, pooled="last", geometry=_geometry, sizes=_sizes)
