"""Houlsby's adapters against the same network of transformers' modules, one member at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panda_ray.errors import InputError
from panda_ray.methods import get_method
from panda_ray.methods.method import Inputs
from panda_ray.methods.tuning.houlsby import HoulsbyOptions
from panda_ray.testing.closeness import assert_close
from panda_ray.training.trainables.bottleneck_adapters import BottleneckAdapters
from panda_ray.training.trainables.trainable import Part, Pass, stacked
from support.trained.models import CONFIGS, random_backbone, random_model, random_tokens
from support.trained.trainings import CONFIG

LENGTHS = [4, 9, 6]


def parts_of_layers(model: Any) -> list[tuple[nn.Module, nn.Module]]:
    """Of each layer, the modules whose outputs are those of attention and feed-forward before the residual."""
    match model.config.model_type:
        case "opt":
            return [(layer.self_attn.out_proj, layer.fc2) for layer in model.decoder.layers]
        case "bert" | "roberta" | "deberta-v2":
            return [(layer.attention.output.dense, layer.output.dense) for layer in model.encoder.layer]
        case _:
            return [(layer.self_attn.o_proj, layer.mlp) for layer in model.layers]


def adapters(model: Any, seed: int, bottleneck: int = 3) -> Mapping[str, Tensor]:
    random, layers, width = torch.Generator().manual_seed(seed), len(parts_of_layers(model)), model.config.hidden_size
    shapes = {
        "down.weight": (layers, 2, width, bottleneck),
        "down.bias": (layers, 2, bottleneck),
        "up.weight": (layers, 2, bottleneck, width),
        "up.bias": (layers, 2, width),
    }
    return {name: 0.3 * torch.randn(shape, generator=random) for name, shape in shapes.items()}


def hooked(model: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The model with an adapter behind each part of each layer."""

    def adapt(layer: int, part: int, x: Tensor) -> Tensor:
        at = (layer, part)
        hidden = F.gelu(F.linear(x, tensors["down.weight"][at].T, tensors["down.bias"][at]))
        return x + F.linear(hidden, tensors["up.weight"][at].T, tensors["up.bias"][at])

    for layer, modules in enumerate(parts_of_layers(model)):
        for part, module in enumerate(modules):
            module.register_forward_hook(lambda _m, _i, x, at=(layer, part): adapt(*at, x))
    return model


@pytest.mark.parametrize("name", CONFIGS)
def test_hidden_states_are_those_of_the_hooked_model_for_every_member_and_token(name: str) -> None:
    backbone, tokens = random_backbone(name), random_tokens(LENGTHS, 2)
    given = [adapters(random_model(name), seed) for seed in (1, 2)]
    trainable = stacked([Part(BottleneckAdapters, each) for each in given], CONFIG, backbone)
    with torch.no_grad():
        [every] = trainable.features(Pass(backbone, pooled_only=False), [tokens])
        [pooled] = trainable.features(Pass(backbone, pooled_only=True), [tokens])
        for member, tensors in enumerate(given):
            model = hooked(random_model(name), tensors)
            for row, length in enumerate(LENGTHS):
                ids = tokens.input_ids_RT[[row], :length]
                theirs_TD = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
                at = member * len(LENGTHS) + row
                assert_close(every.hidden_RTD[at, :length], theirs_TD)
                place = length - 1 if backbone.architecture.pooled == "last" else 0
                assert_close(pooled.hidden_RTD[at, 0], theirs_TD[place])


def test_a_training_starts_near_the_plain_model_without_a_prompt_at_a_rate_of_its_own() -> None:
    method, backbone = get_method("houlsby"), random_backbone()
    config = method.config(replace(CONFIG, prompt_len=7), "small", HoulsbyOptions())
    assert (config.prompt_len, config.position_offset) == (0, False)
    start = method.member(Inputs("a", 3, config, backbone.geometry), HoulsbyOptions(bottleneck=4)).start
    weights = torch.cat([start.tensors[name].flatten() for name in ("down.weight", "up.weight")])
    assert weights.abs().max() <= 0.02
    assert weights.std() == pytest.approx(0.0088, abs=5e-4), "0.01, cut at two deviations"
    assert not start.tensors["down.bias"].any()
    assert not start.tensors["up.bias"].any()
    tokens = random_tokens(LENGTHS)
    [ours] = stacked([start], config, backbone).features(Pass(backbone, pooled_only=False), [tokens])
    [plain] = backbone.forward([tokens], None, position_offset=False)
    torch.testing.assert_close(ours.hidden_RTD, plain.hidden_RTD, atol=0.01, rtol=0)


def test_layers_of_another_width_are_refused() -> None:
    start = Part(BottleneckAdapters, {**adapters(random_model(), 1), "down.weight": torch.zeros(3, 2, 16, 3)})
    with pytest.raises(InputError, match="adapters of width 16 cannot stand in layers of width 32"):
        stacked([start], CONFIG, random_backbone()).features(
            Pass(random_backbone(), pooled_only=True), [random_tokens(LENGTHS)]
        )
