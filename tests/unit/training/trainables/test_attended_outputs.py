"""SESoM's mixture against the paper's formula, row by row, and what a training of it leaves as it is."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.errors import InputError
from panda_ray.methods import get_method
from panda_ray.methods.method import Inputs
from panda_ray.methods.sesom import SesomOptions
from panda_ray.prompts.prompt import Prompt
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.trainables.trainable import Pass, stacked
from support.trained.models import random_backbone, random_tokens
from support.trained.toys import toy_task
from support.trained.trainings import CONFIG

LENGTHS = [4, 9, 6]


def models(count: int, outputs: int = 3) -> tuple[Prompt, ...]:
    random = torch.Generator().manual_seed(5)
    return tuple(
        Prompt(prefix, 3 * torch.randn((outputs, 32), generator=random), torch.randn(outputs, generator=random))
        for prefix in random_prefixes(random_backbone(), count)
    )


def inputs(teachers: tuple[Prompt, ...], prompt_len: int = 5) -> Inputs:
    return Inputs("a", 3, replace(CONFIG, prompt_len=prompt_len), random_backbone().geometry, teachers=teachers)


def network(down: Tensor, up: Tensor, read: Tensor) -> Tensor:
    return nn.LayerNorm(32)(up @ nn.functional.silu(down @ read)).detach()


@pytest.mark.parametrize("pooled_only", [True, False], ids=["rows", "tokens"])
def test_a_row_has_the_outputs_that_the_formula_gives_it(pooled_only: bool) -> None:
    backbone, given = random_backbone(), models(3)
    part = get_method("sesom").member(inputs(given), SesomOptions(bottleneck=7)).start
    own, tokens = part.tensors, random_tokens(LENGTHS, 1)
    [ours] = stacked([part], CONFIG, backbone).features(Pass(backbone, pooled_only), [tokens])
    for row, length in enumerate(LENGTHS):
        alone = Tokens(
            tokens.input_ids_RT[[row], :length], tokens.token_type_ids_RT[[row], :length], tokens.lengths_R[[row]]
        )
        words_TW = backbone.word_embeddings(alone.input_ids_RT)[0]
        query_D = network(own["query.down"], own["query.up"], words_TW.max(dim=0).values)
        said = []
        for model in given:
            [read] = backbone.forward(
                [alone], model.prefix_LKNPH[None], position_offset=CONFIG.position_offset, pooled_only=pooled_only
            )
            of_model = read.pooled_RD[0] if pooled_only else read.hidden_RTD[0, length - 1]
            said.append(model.head_weight_CD @ of_model + model.head_bias_C)
        keys = [network(own["key.down"], own["key.up"], outputs_C) for outputs_C in said]
        shares = torch.tensor([math.exp(float(key @ query_D) / math.sqrt(32)) for key in keys])
        shares = shares / shares.sum()
        assert shares.max() - shares.min() > 0.01, "an attention that tells models apart"
        expected = torch.stack([share * outputs_C for share, outputs_C in zip(shares, said, strict=True)]).sum(dim=0)
        mixed_C = ours.pooled_RD[row] if pooled_only else ours.hidden_RTD[row, length - 1]
        torch.testing.assert_close(mixed_C, expected, rtol=1e-4, atol=1e-4)


def test_the_mixture_alone_speaks_and_only_the_attention_is_trained() -> None:
    method, given = get_method("sesom"), models(2)
    config = method.config(replace(CONFIG, dropout=0.1, epochs=1), "small", SesomOptions())
    assert config.dropout == 0
    member = method.member(inputs(given), SesomOptions())
    [result] = train_stack(random_backbone(), toy_task("classification"), [member], config)
    assert result.artifact is not None
    frozen = {"head.weight": torch.eye(3), "head.bias": torch.zeros(3)} | {
        name: member.start.tensors[name] for name in ("sources", "source.weight", "source.bias")
    }
    for name, tensor in frozen.items():
        assert torch.equal(result.artifact[name], tensor)
    for name in member.start.tensors.keys() - frozen.keys():
        assert not torch.equal(result.artifact[name], member.start.tensors[name])


def test_models_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match="sesom mixes prompts of one length: prompt_len is 9, sources have 5"):
        get_method("sesom").member(inputs(models(2), prompt_len=9), SesomOptions())
