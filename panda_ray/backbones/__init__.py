"""Frozen backbones: one forward pass for a stack of prefixes.

What a sweep is planned with needs no torch; what loads and runs a model is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from panda_ray.backbones.registry import (
    BACKBONES,
    BackboneSpec,
    backbone_identity,
    backbone_sizes,
    backbone_weights,
    get_backbone_spec,
)
from panda_ray.backbones.sizes import Geometry, Sizes, check_positions

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone, Features
    from panda_ray.backbones.forward.blocks import Tokens
    from panda_ray.backbones.loading import load_backbone

_WITH_TORCH = {"Backbone": "backbone", "Features": "backbone", "Tokens": "forward.blocks", "load_backbone": "loading"}


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WITH_TORCH[name]}"), name)


__all__ = [
    "BACKBONES",
    "Backbone",
    "BackboneSpec",
    "Features",
    "Geometry",
    "Sizes",
    "Tokens",
    "backbone_identity",
    "backbone_sizes",
    "backbone_weights",
    "check_positions",
    "get_backbone_spec",
    "load_backbone",
]
