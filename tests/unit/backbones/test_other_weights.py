"""A pass with other weights in the place of the frozen ones, against transformers and its gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from panda_ray.backbones import Tokens
from panda_ray.testing.closeness import assert_close, rounding
from support.trained.models import CONFIGS, random_backbone, random_model, random_tokens


def other_weights(name: str) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(4)
    weights = random_backbone(name).weights
    return {key: weight + 0.05 * torch.randn(weight.shape, generator=random) for key, weight in weights.items()}


def looked_at(hidden_RTD: Tensor, tokens: Tokens) -> Tensor:
    real_RT = torch.arange(tokens.input_ids_RT.shape[1]) < tokens.lengths_R.unsqueeze(1)
    seen_XD = hidden_RTD[real_RT]
    return (seen_XD * torch.randn(seen_XD.shape, generator=torch.Generator().manual_seed(3))).sum()


@pytest.mark.parametrize("name", CONFIGS)
def test_hidden_states_and_gradients_of_all_weights_are_transformers_and_the_frozen_ones_stay(name: str) -> None:
    backbone, model, tokens = random_backbone(name), random_model(name), random_tokens([9, 4, 12])
    [before] = backbone.forward([tokens], None, position_offset=False)
    weights = other_weights(name)
    model.load_state_dict(weights, strict=False)
    mask = (torch.arange(12) < tokens.lengths_R.unsqueeze(1)).long()
    expected = looked_at(model(tokens.input_ids_RT, attention_mask=mask).last_hidden_state, tokens)
    expected.backward()
    leaves = {key: weight.requires_grad_() for key, weight in weights.items()}
    [features] = backbone.forward_with(leaves, [tokens])
    ours = looked_at(features.hidden_RTD, tokens)
    assert_close(ours, expected)
    ours.backward()
    theirs = {key: parameter.grad for key, parameter in model.named_parameters()}
    largest = max(float(gradient.abs().max()) for gradient in theirs.values() if gradient is not None)
    for key, leaf in leaves.items():
        assert (leaf.grad is None) == (theirs[key] is None), key
        if leaf.grad is not None:
            # Of a key's bias no gradient is left but rounding, so the largest of all says what rounding is.
            torch.testing.assert_close(leaf.grad, theirs[key], rtol=0.0, atol=rounding(torch.float32, largest))
    [after] = backbone.forward([tokens], None, position_offset=False)
    assert torch.equal(after.hidden_RTD, before.hidden_RTD)


def test_under_autocast_a_frozen_layer_never_takes_the_cast_of_other_weights() -> None:
    backbone, tokens = random_backbone(), random_tokens([9, 4])
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        [before] = backbone.forward([tokens], None, position_offset=False)
        [other] = backbone.forward_with(other_weights("bert"), [tokens])
        [after] = backbone.forward([tokens], None, position_offset=False)
    assert torch.equal(before.hidden_RTD, after.hidden_RTD)
    assert not torch.allclose(before.hidden_RTD, other.hidden_RTD, atol=0.01)
