"""What differs between model families, as data. To add a family, add one `FamilySpec`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from panda_ray.errors import unknown_name


@dataclass(frozen=True)
class FamilySpec:
    """One architecture whose attention goes through the transformers attention interface.

    Attributes:
        model_type: `config.model_type` of transformers.
        pooling: `pooler` takes the frozen pooler's output; `cls` the last hidden state at position 0, for families
            whose published checkpoints have no trained pooler.
        first_position: position id of the first token (RoBERTa counts from its padding index plus one).
        activations: path of the module whose output are the feed-forward activations of a layer.
    """

    model_type: str
    pooling: Literal["pooler", "cls"]
    first_position: Callable[[Any], int]
    activations: str


FAMILIES: tuple[FamilySpec, ...] = (
    FamilySpec("bert", "pooler", lambda _: 0, "encoder.layer.{layer}.intermediate"),
    FamilySpec("roberta", "cls", lambda config: int(config.pad_token_id) + 1, "encoder.layer.{layer}.intermediate"),
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
