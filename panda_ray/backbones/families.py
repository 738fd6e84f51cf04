"""What differs between model families, as data. To add a family, add one `FamilySpec`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from panda_ray.backbones.blocks import Layout
from panda_ray.backbones.last_layer import bert_first_tokens
from panda_ray.backbones.prefix_attention import PrefixStack
from panda_ray.errors import unknown_name


@dataclass(frozen=True)
class FamilySpec:
    """One architecture whose attention goes through the transformers attention interface.

    Attributes:
        model_type: `config.model_type` of transformers.
        pooling: `pooler` takes the frozen pooler's output; `cls` the last hidden state at position 0, for families
            whose published checkpoints have no trained pooler.
        first_position: position id of the first token (RoBERTa counts from its padding index plus one).
        layers: path of the list of layers.
        activations: path of the module whose output are the feed-forward activations of a layer.
        first_tokens: the last layer where only the first token of each row is read.
    """

    model_type: str
    pooling: Literal["pooler", "cls"]
    first_position: Callable[[Any], int]
    layers: str
    activations: str
    first_tokens: Callable[[Any, Tensor, Layout, PrefixStack | None, float], Tensor]


FAMILIES: tuple[FamilySpec, ...] = (
    FamilySpec(
        model_type="bert",
        pooling="pooler",
        first_position=lambda _: 0,
        layers="encoder.layer",
        activations="encoder.layer.{layer}.intermediate",
        first_tokens=bert_first_tokens,
    ),
    FamilySpec(
        model_type="roberta",
        pooling="cls",
        first_position=lambda config: int(config.pad_token_id) + 1,
        layers="encoder.layer",
        activations="encoder.layer.{layer}.intermediate",
        first_tokens=bert_first_tokens,
    ),
)


def family_of(model_type: str) -> FamilySpec:
    """The family of a transformers `model_type`.

    Raises:
        InputError: for an architecture without a family.
    """
    for family in FAMILIES:
        if family.model_type == model_type:
            return family
    raise unknown_name("backbone family", model_type, [family.model_type for family in FAMILIES])
