"""The packaged backbone: small, local, and with knowledge of the suite's language."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertForPreTraining

import panda_ray.backbones
from panda_ray.backbones import load_backbone
from panda_ray.tasks.specs.builtin import BUILTIN_TASKS
from panda_ray.tasks.specs.heldout import HELDOUT_TASKS
from panda_ray.tasks.suite.corpus import Document, documents
from panda_ray.tasks.suite.lexicon import LEXICON
from panda_ray.tasks.suite.rows import TEXT_COLUMNS
from panda_ray.tasks.task import BuiltinOrigin

FOLDER = Path(panda_ray.backbones.__file__).parent / "builtin_tiny"


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def held_out() -> list[Document]:
    return documents("held out", 400)


def test_weights_take_at_most_four_megabytes() -> None:
    assert sum(file.stat().st_size for file in FOLDER.glob("*.safetensors")) <= 4_000_000


def test_it_is_a_bert_of_two_to_four_layers_that_takes_the_papers_prompts_and_texts() -> None:
    backbone = load_backbone("builtin-tiny", device="cpu")
    assert 2 <= backbone.geometry.layers <= 4
    backbone.check_fits(prompt_len=20, max_len=128, position_offset=True)


def test_every_text_of_the_suite_is_known_to_the_tokenizer_and_comes_back(tokenizer) -> None:
    for spec in (*BUILTIN_TASKS, *HELDOUT_TASKS):
        assert isinstance(spec.origin, BuiltinOrigin)
        rows = [row for split in ("train", "validation") for row in spec.origin.generate(split)]
        texts = [
            " ".join(value) if column == "tokens" else value
            for row in rows
            for column, value in row.items()
            if column in TEXT_COLUMNS
        ]
        codes = tokenizer(texts, add_special_tokens=False)["input_ids"]
        assert tokenizer.unk_token_id not in {code for row in codes for code in row}
        assert [len(row) for row in codes] == [len(text.split()) for text in texts]
        assert [" ".join(tokenizer.convert_ids_to_tokens(row)) for row in codes] == texts


def test_words_from_outside_are_spelled_and_not_unknown(tokenizer) -> None:
    codes = tokenizer("Prompt transfer, 2024!", add_special_tokens=False)["input_ids"]
    assert tokenizer.unk_token_id not in codes
    assert tokenizer.convert_ids_to_tokens(codes)[:3] == ["p", "##r", "##o"]


def test_content_words_are_single_tokens(tokenizer) -> None:
    assert set(LEXICON.words) <= set(tokenizer.get_vocab())


def test_hidden_words_of_other_documents_are_found_far_better_than_by_frequency(
    tokenizer, held_out: list[Document]
) -> None:
    """One word of each document is hidden. The baseline always says the most frequent hidden word."""
    model = BertForPreTraining.from_pretrained(FOLDER).eval()
    batch = tokenizer(
        [document.first for document in held_out],
        [document.second for document in held_out],
        padding=True,
        return_tensors="pt",
    )
    rows = torch.arange(len(held_out))
    lengths = batch["attention_mask"].sum(1)
    place = 1 + (torch.rand(len(held_out), generator=torch.Generator().manual_seed(0)) * (lengths - 2)).long()
    hidden = batch["input_ids"][rows, place].clone()
    batch["input_ids"][rows, place] = tokenizer.mask_token_id
    with torch.inference_mode():
        found = model(**batch).prediction_logits[rows, place].argmax(-1)
    words = hidden != tokenizer.sep_token_id
    accuracy = (found == hidden)[words].double().mean().item()
    unigram = (hidden[words] == hidden[words].mode().values).double().mean().item()
    assert unigram < 0.25
    assert accuracy > 0.55


@pytest.mark.parametrize("kind", ["animal", "tool", "garment"])
def test_it_knows_kinds_from_company_alone(tokenizer, kind: str) -> None:
    """Things of one kind are nearer to each other than to other things, though their forms say nothing."""
    words = BertForPreTraining.from_pretrained(FOLDER).get_input_embeddings().weight.detach()
    same = [word for thing in LEXICON.things if thing.kind == kind for word in thing.words]
    rest = [word for thing in LEXICON.things if thing.kind != kind for word in thing.words]
    vectors = {word: words[tokenizer.convert_tokens_to_ids(word)] for word in (*same, *rest)}
    within = torch.stack([torch.cosine_similarity(vectors[a], vectors[b], dim=0) for a in same for b in same if a != b])
    between = torch.stack([torch.cosine_similarity(vectors[a], vectors[b], dim=0) for a in same for b in rest])
    assert within.mean() > between.mean() + 0.1
