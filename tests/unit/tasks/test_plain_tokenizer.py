"""Ids, segments and windows of every kind, against one plain call of the tokenizer.

BERT's vocabularies where they lie beside the checkout, the packaged one, and made-up ones of BERT's and RoBERTa's type.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

import panda_ray
from panda_ray.tasks import get_task
from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds.tagging import IGNORED
from support.trained.task_data import TOKENIZERS, WORDS

MODELS = Path(__file__).parents[4] / "shared" / "models"
FOLDERS = {
    "builtin": Path(panda_ray.__file__).parent / "backbones" / "builtin_tiny",
    "bert-uncased": MODELS / "bert-uncased-vocab",
    "bert-cased": MODELS / "bert-cased-vocab",
}


@cache
def of_folder(name: str) -> Any:
    if not FOLDERS[name].is_dir():
        pytest.skip(f"no {FOLDERS[name].name} here")
    return AutoTokenizer.from_pretrained(FOLDERS[name])


EVERY: dict[str, Callable[[], Any]] = {**TOKENIZERS, **{name: partial(of_folder, name) for name in FOLDERS}}
every_tokenizer = pytest.mark.parametrize("name", EVERY)

Plain = list[tuple[list[int], list[int]]]
"""Ids and segment ids, row by row."""


def words(draw: random.Random, longest: int) -> str:
    return " ".join(draw.choices([*WORDS, "Zürich", "東京", "x" * 120, "don't"], k=draw.randint(0, longest)))


def plain(tokenizer: Any, first: Sequence[str], second: Sequence[str] | None, max_len: int, stride: int = -1) -> Plain:
    """What the tokenizer says by itself, in one call; all windows of the second text with a `stride`."""
    windows = {"truncation": "only_second", "stride": stride, "return_overflowing_tokens": True}
    options = windows if stride >= 0 else {"truncation": "longest_first"}
    found = tokenizer(first, second, max_length=max_len, **options)
    types = found.get("token_type_ids") or [[0] * len(ids) for ids in found["input_ids"]]
    return list(zip(found["input_ids"], types, strict=True))


def tensors(split: EncodedSplit) -> Plain:
    """The same of an encoded split, without its padding."""
    return [
        (ids[:length].tolist(), types[:length].tolist())
        for ids, types, length in zip(split.input_ids_RT, split.token_type_ids_RT, split.lengths_R, strict=True)
    ]


@every_tokenizer
@pytest.mark.parametrize("max_len", [16, 64])
def test_texts_pairs_choices_and_candidates(name: str, max_len: int) -> None:
    tokenizer, draw = EVERY[name](), random.Random(max_len)
    texts = [(words(draw, 30), words(draw, 20)) for _ in range(40)]
    left, right = [a for a, _ in texts], [b for _, b in texts]
    twice, entities = [a for a in left for _ in range(2)], ["Tokyo", "Müller"]
    copa = {"question": "cause", "label": 1}
    record = {"entities": entities, "answers": ["Tokyo"]}
    cases: list[tuple[str, list[dict[str, Any]], list[str], list[str] | None]] = [
        ("sst2", [{"sentence": a, "label": 0} for a in left], left, None),
        ("rte", [{"premise": a, "hypothesis": b, "label": 0} for a, b in texts], left, right),
        (
            "copa",
            [{"premise": a, "choice1": b, "choice2": a, **copa} for a, b in texts],
            [f"{a} because" for a in twice],
            [choice for a, b in texts for choice in (b, a)],
        ),
        (
            "record",
            [{"passage": a, "query": f"@placeholder {b}", **record} for a, b in texts],
            twice,
            [f"{entity} {b}" for b in right for entity in entities],
        ),
    ]
    for task, rows, first, second in cases:
        found = tensors(get_task(task).encode(rows, tokenizer, max_len))
        assert found == plain(tokenizer, first, second, max_len), task


@every_tokenizer
def test_tagged_words_are_one_text_and_a_predicate_is_appended_in_segment_0(name: str) -> None:
    tokenizer, draw = EVERY[name](), random.Random(3)
    sentences = [draw.choices(WORDS, k=draw.randint(1, 40)) for _ in range(40)]
    rows = [{"tokens": tokens, "predicate": tokens[-1], "srl_tags": [1] * len(tokens)} for tokens in sentences]
    texts, predicates = [" ".join(tokens) for tokens in sentences], [tokens[-1] for tokens in sentences]
    split = get_task("conll05").encode(rows, tokenizer, 48)
    assert [ids for ids, _ in tensors(split)] == [ids for ids, _ in plain(tokenizer, texts, predicates, 48)]
    assert not split.token_type_ids_RT.any()
    for index, (ids, _) in enumerate(tensors(split)):
        predicate = tokenizer(predicates[index], add_special_tokens=False)["input_ids"][-1]
        assert ids[-2] == predicate, "a sentence that is too long gives way, its predicate does not"
        assert split.labels[index, len(ids) - 2] == IGNORED
    named = get_task("conll03").encode([{**row, "ner_tags": row["srl_tags"]} for row in rows], tokenizer, 48)
    assert tensors(named) == plain(tokenizer, texts, None, 48)


@pytest.mark.parametrize("name", ["wordpiece", "builtin", "bert-uncased", "bert-cased"])
def test_first_tokens_are_those_of_words_that_were_never_joined(name: str) -> None:
    tokenizer, draw = EVERY[name](), random.Random(5)
    sentences = [draw.choices([*WORDS, "U.S.", "don't", "3.5%"], k=draw.randint(1, 30)) for _ in range(40)]
    rows = [{"tokens": tokens, "ner_tags": [index % 9 for index in range(len(tokens))]} for tokens in sentences]
    split = get_task("conll03").encode(rows, tokenizer, 40)
    for index, tokens in enumerate(sentences):
        alone = tokenizer(tokens, is_split_into_words=True, truncation=True, max_length=40)
        owners = alone.word_ids()
        expected = [
            IGNORED if owner is None or owner == owners[position - 1] else owner % 9
            for position, owner in enumerate(owners)
        ]
        assert split.labels[index, : len(owners)].tolist() == expected
        assert (split.labels[index, len(owners) :] == IGNORED).all()


QUESTIONS = ("who asked in Tokyo", "nobody", "x" * 120, "")


@every_tokenizer
@pytest.mark.parametrize("max_len", [48, 128])
def test_windows_of_questions(name: str, max_len: int) -> None:
    """Every token of a context is in a window, with at most the overlap twice; segments are the tokenizer's own."""
    tokenizer, draw = EVERY[name](), random.Random(max_len)
    rows = []
    for index in range(24):
        tokens = draw.choices([*WORDS, "Zürich", "東京"], k=draw.randint(1, 300))
        at = draw.randrange(len(tokens))
        start = len(" ".join([*tokens[:at], ""]))
        answers = {"text": [tokens[at]], "answer_start": [start]} if index % 3 else {"text": [], "answer_start": []}
        rows.append({"question": QUESTIONS[index % 4], "context": " ".join(tokens), "answers": answers})
    room = max_len - tokenizer.num_special_tokens_to_add(pair=True)
    stride = (room - max_len // 2) // 2
    assert max_len != 128 or stride == 30
    split = get_task("squad").encode(rows, tokenizer, max_len)
    short = [row["question"] if len(tokenizer.tokenize(row["question"])) <= max_len // 2 else None for row in rows]
    kept = [index for index, question in enumerate(short) if question is not None]
    assert len(kept) >= 18
    found = [row for item, row in zip(split.item_of_example, tensors(split), strict=True) if item in kept]
    questions = [question for question in short if question is not None]
    assert found == plain(tokenizer, questions, [rows[index]["context"] for index in kept], max_len, stride)
    assert max(split.item_of_example.count(item) for item in kept) > 3
    _check_windows(split, rows, tokenizer)


def _check_windows(split: EncodedSplit, rows: Sequence[Any], tokenizer: Any) -> None:
    """Windows hold consecutive tokens of their context, and the answer's own where they hold all of it."""
    answered = set()
    for item, row in enumerate(rows):
        own = tokenizer(row["context"], add_special_tokens=False, return_offsets_mapping=True)
        spans = [tuple(span) for span in own["offset_mapping"]]
        covered: set[int] = set()
        for example in (index for index, owner in enumerate(split.item_of_example) if owner == item):
            window, (start, end) = split.decoding[example], split.labels[example].tolist()
            held = [tuple(span) for span in window.offsets_N2.tolist()]
            begins = [index for index in range(len(spans)) if spans[index : index + len(held)] == held]
            first = min(begins, key=lambda index: abs(index - len(covered)))
            assert first <= len(covered), "no token between two windows is left out"
            covered |= set(range(first, first + len(held)))
            ids = split.input_ids_RT[example, window.first_token : window.first_token + len(held)].tolist()
            assert ids == own["input_ids"][first : first + len(held)]
            if not row["answers"]["text"]:
                assert (start, end) == (0, 0)
                continue
            begin = row["answers"]["answer_start"][0]
            after = begin + len(row["answers"]["text"][0])
            if held[0][0] <= begin and after <= held[-1][1]:
                found = held[start - window.first_token][0], held[end - window.first_token][1]
                assert found == (begin, after)
                answered.add(item)
            else:
                assert (start, end) == (0, 0)
        assert covered == set(range(len(spans)))
    assert answered == {item for item, row in enumerate(rows) if row["answers"]["text"]}


@every_tokenizer
@pytest.mark.parametrize("max_len", [8, 9, 12, 13, 128])
def test_a_question_of_any_length_leaves_room_for_every_token_of_its_context(name: str, max_len: int) -> None:
    """Also where the cut falls into the middle of a character, which a byte-level tokenizer spells with four tokens."""
    tokenizer = EVERY[name]()
    for question in (" ".join(WORDS * 5), "Müü" + "💩" * 60, "", "who"):
        rows = [
            {"question": question, "context": context, "answers": {"text": [], "answer_start": []}}
            for context in (" ".join(WORDS * 2), "💩" * 9, "nobody")
        ]
        split = get_task("squad").encode(rows, tokenizer, max_len)
        assert int(split.lengths_R.max()) <= max_len
        for item, row in enumerate(rows):
            windows = [
                window for owner, window in zip(split.item_of_example, split.decoding, strict=True) if owner == item
            ]
            held = torch.zeros(len(row["context"]), dtype=torch.bool)
            for window in windows:
                for start, end in window.offsets_N2.tolist():
                    held[start:end] = True
            assert held.logical_or(torch.tensor([letter == " " for letter in row["context"]])).all()
