"""How fresh prompts start, before any transfer.

Shape letters: L layers, K = 2 (keys, values), N key/value heads, P prompt length, H head size.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from panda_ray.backbones import Geometry
from panda_ray.errors import unknown_name


def _normal(shape: tuple[int, ...], scale: float, random: Generator) -> Tensor:
    return torch.randn(shape, generator=random) * scale


def _uniform(shape: tuple[int, ...], scale: float, random: Generator) -> Tensor:
    return (torch.rand(shape, generator=random) * 2 - 1) * scale


def _sparse(shape: tuple[int, ...], scale: float, random: Generator) -> Tensor:
    """Normal with half of the entries set to zero."""
    kept = torch.rand(shape, generator=random) < 0.5
    return torch.randn(shape, generator=random) * scale * kept


def _zeros(shape: tuple[int, ...], _scale: float, _random: Generator) -> Tensor:
    return torch.zeros(shape)


def _ones(shape: tuple[int, ...], _scale: float, _random: Generator) -> Tensor:
    return torch.ones(shape)


INITIALIZATIONS: dict[str, Callable[[tuple[int, ...], float, Generator], Tensor]] = {
    "normal": _normal,
    "uniform": _uniform,
    "sparse": _sparse,
    "zeros": _zeros,
    "ones": _ones,
}


def initial_prefix(name: str, scale: float, geometry: Geometry, prompt_len: int, random: Generator) -> Tensor:
    """A fresh prefix (L, K, N, P, H) in float32.

    Args:
        name: a key of `INITIALIZATIONS`; `normal` with scale 0.02 is what P-Tuning v2 ran, with scale 1 what PEFT does.
        scale: standard deviation, or half width for `uniform`.

    Raises:
        InputError: for an unknown name.
    """
    shape = (geometry.layers, 2, geometry.kv_heads, prompt_len, geometry.head_size)
    return initial_values(name, scale, shape, random)


def initial_values(name: str, scale: float, shape: tuple[int, ...], random: Generator) -> Tensor:
    """Fresh numbers in float32, in any shape; see `initial_prefix`."""
    if name not in INITIALIZATIONS:
        raise unknown_name("initialization", name, INITIALIZATIONS)
    return INITIALIZATIONS[name](shape, scale, random)
