"""The encoders of this package's architectures keep their contract, each in the variants that its models have.

A new architecture is tested by being registered, and by a tiny configuration in `support.trained.models`.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from panda_ray.backbones import Tokens
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.testing import EncoderContract
from panda_ray.testing.random_models import by_cache, real
from support.trained.disentangled import hidden_with_prefix as disentangled
from support.trained.models import CONFIGS


def test_every_architecture_has_a_tiny_configuration() -> None:
    tested = {config().model_type for config in CONFIGS.values()}
    missing = {architecture.name for architecture in ARCHITECTURES} - tested
    assert not missing, f"give {sorted(missing)} a tiny configuration in support.trained.models.CONFIGS"


class TestEncoders(EncoderContract):
    @pytest.fixture(params=CONFIGS)
    def config(self, request: pytest.FixtureRequest) -> Any:
        return CONFIGS[request.param]()

    @pytest.fixture
    def places_matter(self, config: Any) -> bool:
        relative = not getattr(config, "position_biased_input", True)
        assert not relative or config.model_type == "deberta-v2"
        return not relative

    def hidden_with_prefix(self, model: Any, tokens: Tokens, prefix_LKNPH: Tensor) -> Tensor:
        match model.config.model_type:
            case "deberta-v2":
                return by_hand(model, tokens, prefix_LKNPH)
            case "roberta":
                return by_cache(model, tokens, prefix_LKNPH, first_position=model.config.pad_token_id + 1)
            case _:
                return super().hidden_with_prefix(model, tokens, prefix_LKNPH)


def by_hand(model: Any, tokens: Tokens, prefix_LKNPH: Tensor) -> Tensor:
    """Transformers takes no cache for DeBERTa-v2, so its attention is written out."""
    place_1T = (torch.arange(tokens.input_ids_RT.shape[1]) + prefix_LKNPH.shape[3]).unsqueeze(0)
    inputs = {"input_ids": tokens.input_ids_RT, "position_ids": place_1T, "attention_mask": real(tokens).long()}
    return disentangled(model, prefix_LKNPH, **inputs)
