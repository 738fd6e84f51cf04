"""How prefixes start."""

from __future__ import annotations

import pytest
import torch

from panda_ray.errors import InputError
from panda_ray.methods import Inputs, MethodOptions, get_method
from panda_ray.prompts.initialization import INITIALIZATIONS, initial_prefix
from panda_ray.seeding import derive_seed, generator
from panda_ray.training.config import TrainConfig
from support.trained.models import random_backbone

GEOMETRY = random_backbone().geometry


@pytest.mark.parametrize("name", sorted(INITIALIZATIONS))
def test_every_initialiser_has_the_shape_and_follows_the_seed(name: str) -> None:
    first, again = (initial_prefix(name, 0.5, GEOMETRY, 20, generator(1, "prefix")) for _ in range(2))
    assert first.shape == (GEOMETRY.layers, 2, GEOMETRY.kv_heads, 20, GEOMETRY.head_size)
    assert first.dtype == torch.float32
    assert torch.equal(first, again)


def test_scales_mean_what_the_docs_say() -> None:
    def start(name: str, scale: float) -> torch.Tensor:
        return initial_prefix(name, scale, GEOMETRY, 200, generator(1, "prefix"))

    assert start("normal", 0.5).std().item() == pytest.approx(0.5, rel=0.02)
    assert start("uniform", 0.5).abs().max().item() == pytest.approx(0.5, rel=0.01)
    assert (start("sparse", 1.0) == 0).float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert start("zeros", 1.0).count_nonzero() == 0
    assert bool((start("ones", 1.0) == 1).all())


def test_the_default_start_is_that_of_p_tuning_v2() -> None:
    config = TrainConfig(lr=1e-2, batch_size=4, epochs=1, prompt_len=200)
    inputs = Inputs("cell", 3, config, GEOMETRY)
    prefix = get_method("prompt_tuning").member(inputs, MethodOptions()).start.tensors["prefix"]
    assert prefix.std().item() == pytest.approx(0.02, rel=0.02)
    assert prefix.mean().item() == pytest.approx(0.0, abs=1e-3)


def test_an_unknown_initialiser_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'normal'"):
        initial_prefix("norml", 1.0, GEOMETRY, 5, generator(1))


def test_streams_of_one_seed_are_independent_and_stable() -> None:
    assert derive_seed(11, "prefix") != derive_seed(11, "head")
    assert derive_seed(11, "order", 1) != derive_seed(11, "order", 2)
    assert derive_seed(11, "prefix") == 3491547753184233401
