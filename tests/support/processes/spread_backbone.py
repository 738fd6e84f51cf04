"""Prints what passes of a backbone give whose layers are on two devices, beside those of one that is on the host whole.

One line of JSON: per way of computing, the largest relative difference of any number.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from panda_ray.backbones import Backbone, Tokens
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.backbones.forward.leading_vectors import LeadingVectors
from panda_ray.backbones.forward.sublayer_adapters import SublayerAdapters
from panda_ray.backbones.placing import put_layers
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import MemberResult
from support.trained.models import Around, random_model, random_tokens
from support.trained.second_device import DEVICE, SecondDevice
from support.trained.toys import toy_task
from support.trained.trainings import CONFIG, members_of

HOST = torch.device("cpu")
MEMBERS, LENGTHS = 2, [4, 7, 6]


def backbone_on(name: str, layers: Sequence[torch.device], rest: torch.device, recomputes: bool = False) -> Backbone:
    model = random_model(name)
    architecture = ARCHITECTURES.get(model.config.model_type)
    put_layers(model, architecture.encoder(model), layers, rest)
    return Backbone(name, model, Around(), architecture, activation_checkpointing=recomputes)


def on(tokens: Tokens, device: torch.device) -> Tokens:
    return Tokens(
        tokens.input_ids_RT.to(device), tokens.token_type_ids_RT.to(device), tokens.lengths_R.to(device), tokens.padded
    )


def adapters_of(backbone: Backbone, device: torch.device) -> SublayerAdapters:
    random, (layers, width) = torch.Generator().manual_seed(5), (backbone.geometry.layers, 32)
    shapes = ((width, 3), (3,), (3, width), (width,))
    return SublayerAdapters(*(torch.randn(MEMBERS, layers, 2, *shape, generator=random).to(device) for shape in shapes))


def passes(backbone: Backbone, name: str) -> Iterator[tuple[str, list[Tensor]]]:
    """What is computed, and all that comes of it."""
    device = backbone.device
    rows = [on(random_tokens(LENGTHS, MEMBERS), device), on(random_tokens([3, 3], MEMBERS, seed=3), device)]
    leaf = random_prefixes(backbone, MEMBERS).requires_grad_(True)
    given: dict[str, Any] = {"position_offset": True}
    for way, changes in (("tokens", {}), ("pooled", {"pooled_only": True}), ("adapters", {})):
        extra = {"adapters": adapters_of(backbone, device)} if way == "adapters" else {}
        yield way, trained(backbone.forward(rows, leaf.to(device), **given, **changes, **extra), leaf)
    if name != "opt-350m":  # whose words are narrower than its layers
        vectors = torch.randn(MEMBERS, 4, 32, generator=torch.Generator().manual_seed(7)).requires_grad_(True)
        yield (
            "leading",
            trained(backbone.forward(rows, None, leading=LeadingVectors(vectors.to(device)), **given), vectors),
        )
    weights = {named: weight.detach().to(HOST).requires_grad_(True) for named, weight in backbone.weights.items()}
    own = {named: weight.to(device) for named, weight in weights.items()}
    yield "weights", trained(backbone.forward_with(own, rows), *weights.values())
    recorded: list[Tensor] = []
    with backbone.recorded_activations(recorded), torch.no_grad():
        backbone.forward(rows, leaf.detach().to(device), **given)
    real = sum(block.input_ids_RT.numel() for block in rows)
    if name == "bert" and device == HOST:  # prompts of other sizes, and budgets of a pass, are not for the others
        task, members = toy_task("tagging"), members_of("tagging", 3)
        results = train_stack(backbone, task, members, CONFIG)
        yield "a training", [*(result.artifact["prefix"] for result in results if result.artifact), _losses(results)]
        dropping = train_stack(backbone, task, members, replace(CONFIG, dropout=0.1))
        assert bool(_losses(dropping).isfinite().all())
    yield "activations", [torch.stack(recorded)[:, :, :real]]


def _losses(results: Sequence[MemberResult]) -> Tensor:
    return torch.tensor([epoch.loss for result in results for epoch in result.history])


def trained(features: Sequence[Any], *leaves: Tensor) -> list[Tensor]:
    """Features, and all gradients of their pooled vectors and hidden states as one tensor."""
    found = [part for each in features for part in (each.hidden_RTD, each.pooled_RD)]
    random = torch.Generator().manual_seed(9)
    parts = [(part * torch.randn(part.shape, generator=random).to(part.device)).sum() for part in found]
    gradients = torch.autograd.grad(torch.stack(parts).sum(), leaves, allow_unused=True)
    return [*found, torch.cat([gradient.flatten() for gradient in gradients if gradient is not None])]


def differences(name: str) -> Iterator[tuple[str, float]]:
    whole = dict(passes(backbone_on(name, [HOST] * 3, HOST), name))
    with SecondDevice():
        ways = {"computed once more": ([HOST, DEVICE, HOST], HOST, True)}
        if name == "bert":  # which device is which, encoders do not know
            ways["host last"] = ([DEVICE, DEVICE, HOST], DEVICE, False)
        for title, (layers, rest, recomputes) in ways.items():
            backbone = backbone_on(name, layers, rest, recomputes)
            assert backbone.device == rest
            assert {*backbone.devices} == {HOST, DEVICE}
            for way, found in passes(backbone, name):
                assert all(tensor.device in (rest, HOST) for tensor in found)
                at_home = [tensor.detach().to(HOST) for tensor in found]
                yield f"{title}, {way}", max(off(*pair) for pair in zip(at_home, whole[way], strict=True))


def off(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).detach().abs().max() / expected.detach().abs().max().clamp(min=1e-6))


if __name__ == "__main__":
    print(json.dumps({name: dict(differences(name)) for name in sys.argv[1:]}))
