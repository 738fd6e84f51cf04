"""Made-up rows of every task of the study, and real tokenizers of both common types with small vocabularies."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from panda_ray.tasks.kinds import CLASSIFICATION, EXTRACTIVE_QA, MULTIPLE_CHOICE, REGRESSION, TAGGING
from panda_ray.tasks.rows.table import columns_of
from panda_ray.tasks.task import BuiltinOrigin, TaskSpec

TEXT = (
    "the committee announced that unbelievable results were published yesterday by Müller and colleagues in Tokyo "
    "because, however, nobody asked twice; economists' forecasts (3.5 percent) remained uncertain"
)
WORDS = TEXT.split()


@cache
def wordpiece_tokenizer() -> PreTrainedTokenizerFast:
    """BERT's type: WordPiece, lower case, [CLS] first [SEP] second [SEP], with segment ids."""
    letters = sorted(set("".join(WORDS).lower()) | set("abcdefghijklmnopqrstuvwxyz0123456789@.,-"))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters)]
    pieces += sorted({word[:3].lower() for word in WORDS if len(word) > 2})
    tokenizer = Tokenizer(models.WordPiece({piece: code for code, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


@cache
def bytelevel_tokenizer() -> PreTrainedTokenizerFast:
    """RoBERTa's type: byte-level BPE, blanks belong to words, no segment ids, pad id 1."""
    merges = []
    for word in ("Ġthe", "Ġin", "Ġres", "Ġunb", "Ġby"):
        merges += [(word[:end], word[end]) for end in range(1, len(word))]
    merges = list(dict.fromkeys(merges))
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    pieces += [left + right for left, right in merges]
    tokenizer = Tokenizer(models.BPE({piece: code for code, piece in enumerate(pieces)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        sep_token="</s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        model_input_names=["input_ids", "attention_mask"],
    )


TOKENIZERS: Mapping[str, Callable[[], PreTrainedTokenizerFast]] = {
    "wordpiece": wordpiece_tokenizer,
    "bytelevel": bytelevel_tokenizer,
}


@cache
def rows_of(spec: TaskSpec, count: int) -> list[dict[str, Any]]:
    """`count` made-up rows with the task's columns (the first rows of a built-in task)."""
    if isinstance(spec.origin, BuiltinOrigin):
        return spec.origin.generate("train")[:count]
    draw = random.Random(spec.name)
    return [_row(spec, index, draw) for index in range(count)]


def _text(draw: random.Random, words: int = 8) -> str:
    return " ".join(draw.choices(WORDS, k=words))


def _row(spec: TaskSpec, index: int, draw: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {column: _text(draw) for column in spec.columns}
    if spec.kind in (CLASSIFICATION, MULTIPLE_CHOICE):
        row["label"] = index % len(spec.labels)
    elif spec.kind is REGRESSION:
        row["label"] = index % 11 / 2
    elif spec.kind is TAGGING:
        row["tokens"] = draw.choices(WORDS, k=8)
        row[spec.label_column] = [0, 1, 2, 2, 0, *([1, 0, 0] if index % 2 else [0, 0, 0])]
    elif spec.kind is EXTRACTIVE_QA:
        row["answers"] = _answers(row["context"], answerable=index % 3 != 0)
    else:
        entities = [f"entity {number}" for number in range(3)]
        row.update(query=f"{_text(draw)} @placeholder .", entities=entities, answers=[entities[index % 3]])
    if spec.name == "copa":
        row["question"] = ("cause", "effect")[index % 2]
    return row


def _answers(context: str, answerable: bool) -> dict[str, list[Any]]:
    if not answerable:
        return {"text": [], "answer_start": []}
    start = context.index(" ") + 1
    end = context.index(" ", start)
    return {"text": [context[start:end]], "answer_start": [start]}


def write_task(
    root: Path, spec: TaskSpec, train: list[dict[str, Any]], dev: list[dict[str, Any]], metadata: Any = None
) -> Path:
    """`root/<task>/{train,validation}.parquet`."""
    folder = root / spec.name
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in (("train", train), ("validation", dev)):
        columns = list(rows[0]) if rows else list(columns_of(spec))
        table = pa.table({column: [row.get(column) for row in rows] for column in columns})
        pq.write_table(table.replace_schema_metadata(metadata), folder / f"{split}.parquet")
    return root
