"""ATTEMPT's attention against the paper's formula, row by row."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.errors import InputError
from panda_ray.methods import get_method
from panda_ray.methods.attempt import AttemptOptions
from panda_ray.methods.method import Inputs
from panda_ray.prompts.prompt import Prompt
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.trainables.attended_prompts import AttendedPrompts
from panda_ray.training.trainables.trainable import Pass, stacked
from support.trained.models import random_backbone, random_tokens
from support.trained.trainings import CONFIG

LENGTHS = [4, 9, 6]


def prompts(count: int, seed: int = 0) -> tuple[Prompt, ...]:
    found = random_prefixes(random_backbone(), count, seed=seed)
    return tuple(Prompt(prefix, torch.zeros(2, 32), torch.zeros(2)) for prefix in found)


def inputs(sources: tuple[Prompt, ...]) -> Inputs:
    prompt_len = sources[0].prefix_LKNPH.shape[3]
    config = CONFIG.__class__(**{**vars(CONFIG), "prompt_len": prompt_len})
    return Inputs("a", 3, config, random_backbone().geometry, source_prompts=sources)


def test_a_row_reads_the_prefix_that_the_formula_gives_it() -> None:
    backbone, sources = random_backbone(), prompts(3)
    member = get_method("attempt").member(inputs(sources), AttemptOptions(bottleneck=5, temperature=0.2))
    part = member.start
    assert part.stacking is AttendedPrompts
    tokens = random_tokens(LENGTHS, 1)
    [ours] = stacked([part], inputs(sources).config, backbone).features(Pass(backbone, pooled_only=True), [tokens])
    norm = nn.LayerNorm(32)
    target_LKNPH = part.tensors["target"]
    for row, length in enumerate(LENGTHS):
        words_TW = backbone.word_embeddings(tokens.input_ids_RT[[row], :length])[0]
        narrow_M = nn.functional.silu(part.tensors["down"] @ words_TW.max(dim=0).values)
        query_G = norm(part.tensors["up"] @ narrow_M)
        mixed = [*(each.prefix_LKNPH for each in sources), target_LKNPH]
        scores = [float((each[0, 0].amax(dim=1).flatten() @ query_G).detach()) / (0.2 * 32) for each in mixed]
        shares = torch.tensor([math.exp(score) for score in scores])
        shares = shares / shares.sum()
        assert shares.max() - shares.min() > 0.01, "an attention that tells prompts apart"
        prefix_LKNPH = target_LKNPH + sum(share * each for share, each in zip(shares, mixed, strict=True))
        alone = Tokens(
            tokens.input_ids_RT[[row], :length], tokens.token_type_ids_RT[[row], :length], tokens.lengths_R[[row]]
        )
        [theirs] = backbone.forward(
            [alone], prefix_LKNPH.unsqueeze(0), position_offset=CONFIG.position_offset, pooled_only=True
        )
        torch.testing.assert_close(ours.pooled_RD[row], theirs.pooled_RD[0], rtol=1e-4, atol=1e-5)


def test_sources_of_another_length_are_refused() -> None:
    sources = prompts(2)
    longer = inputs(sources).config.__class__(**{**vars(inputs(sources).config), "prompt_len": 9})
    given = Inputs("a", 3, longer, random_backbone().geometry, source_prompts=sources)
    with pytest.raises(InputError, match="attempt mixes prompts of one length: prompt_len is 9, sources have 5"):
        get_method("attempt").member(given, AttemptOptions())
