"""Random prompts with heads that tell the rows of a task apart."""

from __future__ import annotations

import torch

from panda_ray.metrics.pairs.pair_features import labelled_places, pair_features
from panda_ray.metrics.pairs.pair_metric import SourcePrompt
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import random_backbone
from support.trained.toys import toy_spec


def a_source(kind: str, task: EncodedTask, seed: int) -> SourcePrompt:
    """A source of that kind with a random prompt, and a head of which no label is the likeliest one everywhere.

    Features of a random backbone are nearly alike, so the head reads how they differ from their mean.
    """
    backbone, spec = random_backbone(), toy_spec(kind)
    [prefix] = random_prefixes(backbone, 1, seed=seed)
    head_CD = 30 * torch.randn(3, backbone.geometry.hidden, generator=torch.Generator().manual_seed(seed))
    example_B, labelled = labelled_places(task, 1000, seed=0)
    headless = Prompt(prefix, head_CD, torch.zeros(3))
    [feature_XD] = pair_features(backbone, [headless], task, example_B, labelled, "pooler")
    return SourcePrompt(spec, Prompt(prefix, head_CD, -head_CD @ torch.from_numpy(feature_XD).mean(dim=0)))
