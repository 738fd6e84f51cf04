"""Vectors in front of a row's tokens, against transformers, P-Tuning v2's code and PEFT."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from peft import PeftModel
from torch import Tensor

from panda_ray.backbones import Tokens
from panda_ray.backbones.forward.leading_vectors import LeadingVectors
from panda_ray.errors import InputError
from panda_ray.prompts.peft import export_trained
from panda_ray.testing.closeness import assert_close
from support.trained.models import CONFIGS, random_backbone, random_model, random_tokens

LENGTHS, COUNT = [9, 4, 12], 5
DECODERS = ("opt", "llama", "qwen")


def vectors(name: str, members: int = 1) -> Tensor:
    width = random_model(name).get_input_embeddings().weight.shape[1]
    return torch.randn((members, COUNT, width), generator=torch.Generator().manual_seed(1))


def longer_mask(tokens: Tokens) -> Tensor:
    return (torch.arange(COUNT + tokens.input_ids_RT.shape[1]) < tokens.lengths_R.unsqueeze(1) + COUNT).long()


@pytest.mark.parametrize("name", CONFIGS)
def test_features_are_those_of_transformers_with_the_vectors_as_embeddings_and_members_are_apart(name: str) -> None:
    backbone, tokens, vectors_SPW = random_backbone(name), random_tokens(LENGTHS, members=2), vectors(name, 2)
    [features] = backbone.forward([tokens], None, position_offset=True, leading=LeadingVectors(vectors_SPW))
    model = random_model(name)
    words_RTW = model.get_input_embeddings()(tokens.input_ids_RT)
    embeddings = torch.cat([vectors_SPW.repeat_interleave(len(LENGTHS), dim=0), words_RTW], dim=1)
    expected_RTD = model(inputs_embeds=embeddings, attention_mask=longer_mask(tokens)).last_hidden_state[:, COUNT:]
    real = longer_mask(tokens)[:, COUNT:].bool()
    assert_close(features.hidden_RTD[real], expected_RTD[real])
    [pooled] = backbone.forward(
        [tokens], None, position_offset=True, leading=LeadingVectors(vectors_SPW), pooled_only=True
    )
    at_R = tokens.lengths_R - 1 if name.startswith(DECODERS) else torch.zeros_like(tokens.lengths_R)
    assert_close(pooled.hidden_RTD[:, 0], expected_RTD[torch.arange(len(at_R)), at_R])
    assert_close(pooled.pooled_RD, features.pooled_RD)


def test_embedded_twice_is_what_the_code_of_p_tuning_v2_computes() -> None:
    backbone, model, tokens = random_backbone(), random_model(), random_tokens(LENGTHS)
    types_RT = torch.arange(12).ge(3).long().expand(3, -1)
    segmented = Tokens(tokens.input_ids_RT, types_RT, tokens.lengths_R)
    leading = LeadingVectors(vectors("bert"), embedded_twice=True)
    [features] = backbone.forward([segmented], None, position_offset=True, leading=leading)
    # BertPromptForSequenceClassification of https://github.com/THUDM/P-tuning-v2
    raw = model.embeddings(input_ids=tokens.input_ids_RT, token_type_ids=types_RT)
    embeddings = torch.cat([leading.vectors_SPW.expand(3, -1, -1), raw], dim=1)
    longer_types = torch.cat([torch.zeros(3, COUNT, dtype=torch.long), types_RT], dim=1)
    output = model(inputs_embeds=embeddings, token_type_ids=longer_types, attention_mask=longer_mask(tokens))
    first_RD = output.last_hidden_state[:, COUNT]
    assert_close(features.pooled_RD, model.pooler.activation(model.pooler.dense(first_RD)))


def test_embedding_twice_is_refused_where_words_are_narrower_than_layers() -> None:
    leading = LeadingVectors(vectors("opt-350m"), embedded_twice=True)
    with pytest.raises(InputError, match="text cannot be embedded twice: layers have 32 numbers per token"):
        random_backbone("opt-350m").forward([random_tokens([4])], None, position_offset=True, leading=leading)


def file_of(vectors_PD: Tensor, embedded_twice: bool) -> bytes:
    head = {"head.weight": torch.randn(3, 32), "head.bias": torch.randn(3)}
    tensors = {"virtual_tokens": vectors_PD, "embedded_twice": torch.tensor(embedded_twice), **head}
    return safetensors.torch.save(tensors)


@pytest.mark.parametrize("name", ["bert", "roberta", "llama"])
def test_prompt_tuning_of_peft_gives_the_same_hidden_states_of_what_is_exported(name: str, tmp_path: Path) -> None:
    tokens, vectors_SPD = random_tokens(LENGTHS), vectors(name)
    export_trained(file_of(vectors_SPD[0], embedded_twice=False), tmp_path, "base")
    theirs = PeftModel.from_pretrained(random_model(name), tmp_path)
    mask = longer_mask(tokens)[:, COUNT:]
    output = theirs(input_ids=tokens.input_ids_RT, attention_mask=mask)
    [ours] = random_backbone(name).forward([tokens], None, position_offset=True, leading=LeadingVectors(vectors_SPD))
    assert_close(ours.hidden_RTD[mask.bool()], output.last_hidden_state[:, COUNT:][mask.bool()])


def test_what_peft_does_not_compute_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="PEFT embeds text once"):
        export_trained(file_of(vectors("bert")[0], embedded_twice=True), tmp_path, "base")
