"""Rows to tensors, kind by kind, for tokenizers of BERT's and RoBERTa's type."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from panda_ray.tasks import get_task
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.tasks.kinds import IGNORED
from panda_ray.tasks.rows.loading import TaskRows
from support.trained.task_data import TOKENIZERS, WORDS, bytelevel_tokenizer, rows_of, wordpiece_tokenizer

every_tokenizer = pytest.mark.parametrize("name", TOKENIZERS)


def sentences(count: int, longest: int) -> list[str]:
    draw = random.Random(count)
    return [" ".join(draw.choices(WORDS, k=draw.randint(0, longest))) for _ in range(count)]


@every_tokenizer
@pytest.mark.parametrize("paired", [True, False])
def test_texts_are_tokenised_as_transformers_does(name: str, paired: bool) -> None:
    tokenizer = TOKENIZERS[name]()
    first, second = sentences(300, 30), [*sentences(299, 20), ""]
    if paired:
        task, rows = "rte", [{"premise": a, "hypothesis": b, "label": 0} for a, b in zip(first, second, strict=True)]
        expected = tokenizer(first, second, truncation="longest_first", max_length=64)
    else:
        task, rows = "sst2", [{"sentence": text, "label": 0} for text in first]
        expected = tokenizer(first, truncation=True, max_length=64)
    split = get_task(task).encode(rows, tokenizer, 64)
    types = expected.get("token_type_ids") or [[0] * len(ids) for ids in expected["input_ids"]]
    for row, (ids, segments) in enumerate(zip(expected["input_ids"], types, strict=True)):
        length = int(split.lengths_R[row])
        assert split.input_ids_RT[row, :length].tolist() == ids
        assert split.token_type_ids_RT[row, :length].tolist() == segments
        assert set(split.input_ids_RT[row, length:].tolist()) <= {tokenizer.pad_token_id}


def test_the_tokenizer_is_left_as_it_was() -> None:
    tokenizer = wordpiece_tokenizer()
    before = tokenizer.backend_tokenizer.to_str()
    for name in ("rte", "squad", "conll03"):
        get_task(name).encode(rows_of(get_task(name), 4), tokenizer, 24)
    assert tokenizer.backend_tokenizer.to_str() == before


@pytest.mark.parametrize("name", ["rte", "copa", "squad", "conll03"])
def test_the_side_on_which_a_tokenizer_pads_is_of_no_account(name: str) -> None:
    tokenizer, spec = wordpiece_tokenizer(), get_task(name)
    right = spec.encode(rows_of(spec, 5), tokenizer, 96)
    tokenizer.padding_side = "left"
    left = spec.encode(rows_of(spec, 5), tokenizer, 96)
    assert bool((right.lengths_R < right.input_ids_RT.shape[1]).any()), "some row is padded"
    for ours, theirs in ((right.input_ids_RT, left.input_ids_RT), (right.labels, left.labels)):
        assert torch.equal(ours, theirs)


def test_labels_have_the_type_of_their_loss() -> None:
    assert get_task("stsb").encode(rows_of(get_task("stsb"), 4), wordpiece_tokenizer(), 64).labels.tolist() == [
        0.0,
        0.5,
        1.0,
        1.5,
    ]
    assert get_task("cb").encode(rows_of(get_task("cb"), 4), wordpiece_tokenizer(), 64).labels.dtype == torch.int64


def test_both_splits_are_encoded() -> None:
    spec = get_task("cb")
    rows = rows_of(spec, 9)
    task = EncodedTask.of_rows(spec, TaskRows(rows[:6], rows[6:], "", "", ""), wordpiece_tokenizer(), 64)
    assert (task.train.examples, task.dev.examples) == (6, 3)
    assert task.dev.references == (0, 1, 2)


def test_every_choice_is_a_row() -> None:
    tokenizer, spec = wordpiece_tokenizer(), get_task("copa")
    row = {"premise": "Müller asked", "choice1": "twice", "choice2": "yesterday", "question": "effect", "label": 1}
    split = spec.encode([row, {**row, "label": 0}], tokenizer, 64)
    assert (split.rows_per_example, split.examples, split.labels.tolist()) == (2, 2, [1, 0])
    expected = tokenizer(["Müller asked so"] * 2, ["twice", "yesterday"])["input_ids"]
    assert [split.input_ids_RT[index, : len(ids)].tolist() for index, ids in enumerate(expected)] == expected


@every_tokenizer
def test_the_first_token_of_each_word_carries_its_tag(name: str) -> None:
    tokenizer, spec = TOKENIZERS[name](), get_task("conll03")
    words = ["unbelievable", "(3.5", "economists'", "Müller", "in"]
    split = spec.encode([{"tokens": words, "ner_tags": [0, 1, 2, 3, 4]}], tokenizer, 64)
    labels_T = split.labels[0].numpy()
    positions = np.flatnonzero(labels_T != IGNORED)
    assert labels_T[positions].tolist() == [0, 1, 2, 3, 4]
    expected, position = [], 1
    for index, word in enumerate(words):
        expected.append(position)
        position += len(tokenizer.tokenize(word if index == 0 else f" {word}"))
    assert positions.tolist() == expected
    assert split.references == (["O", "B-PER", "I-PER", "B-ORG", "I-ORG"],)


def test_a_predicate_is_appended_without_a_tag() -> None:
    tokenizer, spec = wordpiece_tokenizer(), get_task("conll05")
    row = {"tokens": ["nobody", "asked", "twice"], "predicate": "asked", "srl_tags": [0, 1, 0]}
    split = spec.encode([row], tokenizer, 64)
    expected = tokenizer("nobody asked twice", "asked")
    assert split.input_ids_RT[0].tolist() == expected["input_ids"]
    in_second = np.flatnonzero(np.asarray(expected["token_type_ids"]) == 1)
    assert (split.labels[0].numpy()[in_second] == IGNORED).all()


@every_tokenizer
def test_words_that_truncation_cut_off_stay_in_the_reference(name: str) -> None:
    spec = get_task("conll03")
    words = ["unbelievable"] * 40
    split = spec.encode([{"tokens": words, "ner_tags": [1] * 40}], TOKENIZERS[name](), 16)
    assert int(split.lengths_R[0]) == 16
    assert split.references[0] == ["B-PER"] * 40
    found = split.decoding[0]
    assert 0 < len(found.word_W) < 40
    assert found.words == 40


def qa_row(context: str, answer: str | None, question: str = "who asked") -> dict[str, Any]:
    answers = (
        {"text": [answer], "answer_start": [context.index(answer)]} if answer else {"text": [], "answer_start": []}
    )
    return {"question": question, "context": context, "answers": answers}


LONG_CONTEXT = " ".join([*WORDS, "Eiffel", *WORDS, *WORDS])


@every_tokenizer
def test_windows_cover_the_context_and_overlap(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    split = get_task("squad").encode([qa_row(LONG_CONTEXT, "Eiffel"), qa_row("nobody", None)], tokenizer, 48)
    assert split.item_of_example.count(0) > 2
    assert split.item_of_example[-1] == 1
    covered = np.zeros(len(LONG_CONTEXT), dtype=int)
    for item, window in zip(split.item_of_example, split.decoding, strict=True):
        if item == 0:
            covered[window.offsets_N2[0, 0] : window.offsets_N2[-1, 1]] += 1
    assert covered.min() >= 1
    assert covered.max() >= 2
    assert split.references == ({"answers": ["Eiffel"]}, {"answers": []})


@every_tokenizer
def test_answer_tokens_are_those_of_the_answer(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    split = get_task("squad").encode([qa_row(LONG_CONTEXT, "Tokyo because, however, nobody")], tokenizer, 64)
    answered = 0
    for window, (start, end) in zip(split.decoding, split.labels.tolist(), strict=True):
        inside = (window.offsets_N2[0, 0], window.offsets_N2[-1, 1])
        begin = LONG_CONTEXT.index("Tokyo because")
        if inside[0] <= begin and begin + len("Tokyo because, however, nobody") <= inside[1]:
            answered += 1
            first, last = start - window.first_token, end - window.first_token
            text = LONG_CONTEXT[window.offsets_N2[first, 0] : window.offsets_N2[last, 1]]
            assert text == "Tokyo because, however, nobody"
        else:
            assert (start, end) == (0, 0)
    assert answered


def test_windows_equal_those_of_transformers() -> None:
    """Ids, and the character span of each context token, as one plain tokenizer call gives them."""
    for tokenizer, special in ((wordpiece_tokenizer(), 3), (bytelevel_tokenizer(), 4)):
        contexts = [LONG_CONTEXT, LONG_CONTEXT, " ".join(WORDS)]
        questions = ["who asked", "in Tokyo", "who asked"]
        rows = [qa_row(context, None, question) for context, question in zip(contexts, questions, strict=True)]
        split = get_task("squad").encode(rows, tokenizer, 48)
        expected = tokenizer(
            questions,
            contexts,
            truncation="only_second",
            max_length=48,
            stride=(24 - special) // 2,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        assert list(split.item_of_example) == expected["overflow_to_sample_mapping"]
        for row, ids in enumerate(expected["input_ids"]):
            assert split.input_ids_RT[row, : len(ids)].tolist() == ids
            window, offsets = split.decoding[row], expected["offset_mapping"][row]
            context_offsets = offsets[window.first_token : window.first_token + len(window.offsets_N2)]
            assert [tuple(pair) for pair in window.offsets_N2.tolist()] == [tuple(pair) for pair in context_offsets]
            assert window.first_token + len(window.offsets_N2) == len(ids) - 1


@pytest.mark.parametrize("max_len", [12, 16, 128])
def test_a_question_longer_than_the_row_leaves_room_for_its_context(max_len: int) -> None:
    question = " ".join(WORDS * 5)
    for tokenizer in (wordpiece_tokenizer(), bytelevel_tokenizer()):
        split = get_task("squad").encode([qa_row("nobody asked", "asked", question)], tokenizer, max_len)
        assert int(split.lengths_R.max()) <= max_len
        assert min(len(window.offsets_N2) for window in split.decoding) > 0


def test_candidates_are_binary_examples_of_their_query() -> None:
    tokenizer, spec = wordpiece_tokenizer(), get_task("record")
    row = {
        "passage": "nobody asked",
        "query": "@placeholder asked",
        "entities": ["Müller", "Tokyo"],
        "answers": ["Tokyo"],
    }
    split = spec.encode([row, row], tokenizer, 64)
    assert split.labels.tolist() == [0, 1, 0, 1]
    assert split.item_of_example == (0, 0, 1, 1)
    assert split.references == ({"answers": ["Tokyo"]},) * 2
    expected = tokenizer("nobody asked", "Tokyo asked")["input_ids"]
    assert split.input_ids_RT[1, : len(expected)].tolist() == expected
