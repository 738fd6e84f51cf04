"""Toy tasks of every kind over sixty words, encoded with a word-level tokenizer: fast enough to train in every test."""

from __future__ import annotations

import random
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from panda_ray.tasks import kinds
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.tasks.task import BuiltinOrigin, Hyperparameters, TaskSpec
from support.trained.models import SIZES

SPECIAL = ["[UNK]", "[PAD]", "[CLS]", "[SEP]"]
WORDS = [f"w{index}" for index in range(SIZES["vocab_size"] - len(SPECIAL))]
KINDS: tuple[str, ...] = tuple(kind.name for kind in kinds.KINDS)
_MEASURES = {
    "classification": "accuracy",
    "regression": "pearson_spearman_mean",
    "multiple_choice": "accuracy",
    "tagging": "span_f1",
    "extractive_qa": "squad_f1",
    "candidate_ranking": "record_f1",
}
_LABELS = {
    "classification": ("low", "middle", "high"),
    "tagging": ("O", "B-X", "I-X"),
    "candidate_ranking": ("wrong", "right"),
}


def toy_tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {word: index for index, word in enumerate(SPECIAL + WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )


def toy_spec(kind: str) -> TaskSpec:
    first = {"multiple_choice": "choices", "tagging": "words"}.get(kind, "text")
    second = {"extractive_qa": "context", "candidate_ranking": "queries"}.get(kind)
    return TaskSpec(
        name=f"toy-{kind}",
        group="toy",
        kind=next(each for each in kinds.KINDS if each.name == kind),
        measure=_MEASURES[kind],
        origin=BuiltinOrigin(lambda _: []),
        hyperparameters=Hyperparameters(lr=1e-2, batch_size=4, epochs=2),
        train_rows=100,
        columns=(first, "label"),
        labels=_LABELS.get(kind, ()),
        first=lambda row: row[first],
        second=None if second is None else lambda row: row[second],
    )


def toy_task(kind: str, train: int = 13, dev: int = 9, single_segment: bool = False) -> EncodedTask:
    """A task whose label follows from which words occur, with rows of different lengths."""
    spec, tokenizer, source = toy_spec(kind), toy_tokenizer(), random.Random(kind)
    splits = [[_row(kind, source) for _ in range(rows)] for rows in (train, dev)]
    encoded = [spec.encode(rows, tokenizer, max_len=24) for rows in splits]
    if single_segment:
        for split in encoded:
            split.token_type_ids_RT.zero_()
    return EncodedTask(spec, *encoded)


def _row(kind: str, source: random.Random) -> dict[str, Any]:
    words = source.choices(WORDS, k=source.randint(2, 12))
    mean = sum(int(word[1:]) for word in words) / len(words) / len(WORDS)
    text = " ".join(words)
    if kind == "classification":
        return {"text": text, "label": int(mean > 0.44) + int(mean > 0.56)}
    if kind == "regression":
        return {"text": text, "label": mean}
    if kind == "multiple_choice":
        label = source.randrange(2)
        choices = [text, " ".join(source.choices(WORDS, k=source.randint(2, 12)))]
        return {"choices": choices, "label": label}
    if kind == "tagging":
        return {"words": words, "label": [source.randrange(3) for _ in words]}
    if kind == "candidate_ranking":
        candidates = source.sample(WORDS, 3)
        return {"text": text, "queries": {word: f"{word} w0" for word in candidates}, "label": candidates[:1]}
    answer = source.choice(words)
    found = {"text": [answer], "answer_start": [text.index(answer)]}
    return {
        "text": "w1 w2",
        "context": text,
        "label": found if source.random() < 0.7 else {"text": [], "answer_start": []},
    }
