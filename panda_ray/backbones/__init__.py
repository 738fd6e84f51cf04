"""Frozen backbones: one forward pass for a stack of prefixes."""

from panda_ray.backbones.backbone import Backbone, Features, Geometry
from panda_ray.backbones.blocks import Tokens
from panda_ray.backbones.registry import (
    BACKBONES,
    BackboneSpec,
    backbone_identity,
    backbone_sizes,
    get_backbone_spec,
    load_backbone,
)
from panda_ray.backbones.sizes import Sizes, check_positions

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
    "check_positions",
    "get_backbone_spec",
    "load_backbone",
]
