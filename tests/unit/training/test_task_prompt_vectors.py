"""Task prompt vectors: what prompts learned since their own start, added to the target's."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from panda_ray.errors import InputError
from panda_ray.methods import Inputs, Origin, get_method
from panda_ray.methods.method import MethodOptions
from panda_ray.prompts.prompt import Prompt
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import random_backbone
from support.trained.trainings import CONFIG

SEED = 3
ORIGINS = (Origin("normal", 0.02), Origin("uniform", 0.3), Origin("ones", 1.0))


def before_training(origin: Origin) -> Tensor:
    """What prompt tuning on a source starts from."""
    config = replace(CONFIG, initialization=origin.initialization, initialization_scale=origin.scale)
    inputs = Inputs("source", SEED, config, random_backbone().geometry)
    return get_method("prompt_tuning").member(inputs, MethodOptions()).start.tensors["prefix"]


def start(trained: list[Tensor], origins: tuple[Origin | None, ...]) -> Tensor:
    sources = tuple(Prompt(prefix, torch.zeros(2, 32), torch.zeros(2)) for prefix in trained)
    config = replace(CONFIG, prompt_len=trained[0].shape[3])
    inputs = Inputs("cell", SEED, config, random_backbone().geometry, source_prompts=sources, origins=origins)
    return get_method("task_prompt_vectors").member(inputs, MethodOptions()).start.tensors["prefix"]


def test_the_start_is_the_targets_own_and_all_that_each_source_learned_since_its_own() -> None:
    fresh = before_training(Origin(CONFIG.initialization, CONFIG.initialization_scale))
    learned = [prefix[..., : CONFIG.prompt_len, :] for prefix in random_prefixes(random_backbone(), 3)]
    trained = [before_training(origin) + change for origin, change in zip(ORIGINS, learned, strict=True)]
    torch.testing.assert_close(start(trained, ORIGINS), fresh + learned[0] + learned[1] + learned[2])


def test_one_source_that_started_as_the_target_does_gives_the_start_of_pot() -> None:
    [trained] = random_prefixes(random_backbone(), 1)
    shared = Origin(CONFIG.initialization, CONFIG.initialization_scale)
    torch.testing.assert_close(start([trained], (shared,)), trained)


def test_a_prompt_that_was_trained_elsewhere_is_refused() -> None:
    prefixes = [*random_prefixes(random_backbone(), 2)]
    with pytest.raises(InputError, match="of an imported one nobody knows it"):
        start(prefixes, (ORIGINS[0], None))
