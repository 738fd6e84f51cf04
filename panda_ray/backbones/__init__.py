"""Frozen backbones: one forward pass for a stack of prefixes."""

from panda_ray.backbones.backbone import Backbone, Features, Geometry, Tokens
from panda_ray.backbones.registry import BACKBONES, BackboneSpec, backbone_identity, get_backbone_spec, load_backbone

__all__ = [
    "BACKBONES",
    "Backbone",
    "BackboneSpec",
    "Features",
    "Geometry",
    "Tokens",
    "backbone_identity",
    "get_backbone_spec",
    "load_backbone",
]
