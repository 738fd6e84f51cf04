"""The one forward pass of BERT and RoBERTa; what every encoder keeps is in the encoders' contract."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from panda_ray.testing.closeness import assert_close
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import random_backbone, random_model, random_tokens

LENGTHS = [9, 4, 12]


def test_rows_of_one_length_need_no_mask() -> None:
    backbone, tokens = random_backbone(), random_tokens([6, 6])
    prefix = random_prefixes(backbone, 1)
    [masked] = backbone.forward([tokens], prefix, position_offset=True)
    [free] = backbone.forward([replace(tokens, padded=False)], prefix, position_offset=True)
    assert_close(free.hidden_RTD, masked.hidden_RTD)


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_the_pooled_vector_is_berts_poolers_and_robertas_first_hidden_state(name: str) -> None:
    backbone, tokens = random_backbone(name), random_tokens(LENGTHS)
    first_RD = backbone.forward([tokens], None, position_offset=True)[0].hidden_RTD[:, 0]
    pooled_RD = backbone.forward([tokens], None, position_offset=True, pooled_only=True)[0].pooled_RD
    pooler = random_model(name).pooler
    by_pooler, by_position = pooler(first_RD.unsqueeze(1)), first_RD
    assert_close(pooled_RD, {"bert": by_pooler, "roberta": by_position}[name])
    assert not torch.allclose(by_pooler, by_position, atol=0.1)
