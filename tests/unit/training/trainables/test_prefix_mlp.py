"""A prefix that an MLP makes, against PEFT's prefix encoder with projection."""

from __future__ import annotations

import torch
from peft import PeftType, PrefixTuningConfig
from peft.tuners.prefix_tuning.model import PrefixEncoder

from panda_ray.methods import Inputs, get_method
from panda_ray.testing.closeness import assert_close
from panda_ray.training.trainables.trainable import Pass
from support.trained.models import random_backbone, random_tokens
from support.trained.trainings import CONFIG


def test_prefix_and_gradients_are_those_of_pefts_encoder_and_the_kept_prefix_gives_the_same_features() -> None:
    backbone, method = random_backbone(), get_method("prefix_mlp")
    sizes = backbone.geometry
    options = method.Options.model_validate({"mlp_width": 6})
    member = method.member(Inputs("cell", 3, CONFIG, sizes), options)
    tensors = {
        name: tensor * 20 if tensor.is_floating_point() else tensor for name, tensor in member.start.tensors.items()
    }
    ours = member.start.stacking([tensors], CONFIG, backbone)
    theirs = PrefixEncoder(
        PrefixTuningConfig(
            peft_type=PeftType.PREFIX_TUNING,
            num_virtual_tokens=5,
            token_dim=32,
            num_layers=3,
            encoder_hidden_size=6,
            prefix_projection=True,
        )
    )
    names = ("embedding.weight", "transform.0.weight", "transform.0.bias", "transform.2.weight", "transform.2.bias")
    of = dict(zip(names, ours.leaves, strict=True))
    theirs.load_state_dict({name: tensors[mine] for name, mine in of.items()})
    matrix_PO = theirs(torch.arange(5).unsqueeze(0))[0]
    prefix_LKNPH = matrix_PO.view(5, 3, 2, 4, 8).permute(1, 2, 3, 0, 4)
    assert_close(ours.artifact(0)["prefix"], prefix_LKNPH)

    tokens = [random_tokens([9, 4])]
    [read] = ours.features(Pass(backbone, pooled_only=True), tokens)
    [expected] = backbone.forward(tokens, prefix_LKNPH.unsqueeze(0), position_offset=True, pooled_only=True)
    assert_close(read.pooled_RD, expected.pooled_RD)
    looked_at = torch.randn(read.pooled_RD.shape, generator=torch.Generator().manual_seed(5))
    (read.pooled_RD * looked_at).sum().backward()
    (expected.pooled_RD * looked_at).sum().backward()
    for name, parameter in theirs.named_parameters():
        assert_close(ours.leaves[of[name]].grad[0], parameter.grad)
