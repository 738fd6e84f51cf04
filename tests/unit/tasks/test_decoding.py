"""Engine outputs to predictions, where perfect outputs (the contract test) do not look."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from panda_ray.tasks import get_task
from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds.spans.best_answers import MAX_ANSWER_TOKENS
from panda_ray.testing.perfect_outputs import perfect_outputs
from support.trained.task_data import TOKENIZERS, WORDS, rows_of, wordpiece_tokenizer

SQUAD = get_task("squad")
CONTEXT = " ".join([*WORDS, "Eiffel", *WORDS])


def squad_split(questions: int = 2, max_len: int = 64) -> EncodedSplit:
    rows = [{"question": "who", "context": CONTEXT, "answers": {"text": [], "answer_start": []}}] * questions
    return SQUAD.encode(rows, wordpiece_tokenizer(), max_len)


def slow_answer(split: EncodedSplit, outputs: NDArray[Any], item: int) -> str:
    """The best span by looking at every one of them."""
    best, text, null = -np.inf, "", np.inf
    for example in (index for index, owner in enumerate(split.item_of_example) if owner == item):
        start, end = outputs[example]
        window = split.decoding[example]
        null = min(null, start[0] + end[0])
        tokens = range(len(window.offsets_N2))
        for first, last in itertools.product(tokens, tokens):
            score = start[window.first_token + first] + end[window.first_token + last]
            if 0 <= last - first < MAX_ANSWER_TOKENS and score > best:
                best = score
                text = window.context[window.offsets_N2[first, 0] : window.offsets_N2[last, 1]]
    return "" if null > best else text


@pytest.mark.parametrize("seed", range(10))
def test_the_best_span_of_all_windows_is_found(seed: int) -> None:
    split = squad_split()
    assert split.item_of_example.count(0) > 1
    draw = np.random.default_rng(seed)
    outputs = draw.normal(size=(split.examples, 2, split.input_ids_RT.shape[1])).astype(np.float32)
    outputs[:, :, 0] += 2.5  # about as good as the best span, so that both answers and refusals occur
    assert list(SQUAD.decode(split, outputs)) == [slow_answer(split, outputs, item) for item in range(2)]


def test_an_answer_in_any_window_beats_the_null_score_of_the_others() -> None:
    rows = [
        {"question": "who", "context": CONTEXT, "answers": {"text": ["Eiffel"], "answer_start": [CONTEXT.index("Eif")]}}
    ]
    split = SQUAD.encode(rows, wordpiece_tokenizer(), 48)
    assert (split.labels.numpy() == 0).all(axis=1).any()
    assert SQUAD.decode(split, perfect_outputs(SQUAD, split)) == ("Eiffel",)


def test_an_end_before_its_start_is_no_answer() -> None:
    split = squad_split(1, max_len=512)
    outputs = np.full((1, 2, split.input_ids_RT.shape[1]), -9.0)
    window = split.decoding[0]
    outputs[0, 0, window.first_token + 5] = 9
    outputs[0, 1, window.first_token + 2] = 9
    outputs[0, :, 0] = 1
    assert SQUAD.decode(split, outputs) == ("",)


def test_an_empty_context_has_no_answer() -> None:
    row = {"question": "who", "context": "", "answers": {"text": [], "answer_start": []}}
    split = SQUAD.encode([row], wordpiece_tokenizer(), 64)
    assert split.labels.tolist() == [[0, 0]]
    assert SQUAD.decode(split, np.ones((1, 2, split.input_ids_RT.shape[1]))) == ("",)


def test_candidates_are_ranked_by_their_margin() -> None:
    spec = get_task("record")
    split = spec.encode(rows_of(spec, 2), wordpiece_tokenizer(), 64)
    outputs = np.array([[0, 1], [5, 7], [0, 0], [9, 1], [3, 2], [7, 3]], dtype=np.float32)
    assert spec.decode(split, outputs) == ("entity 1", "entity 1")


def test_the_first_of_equal_candidates_answers() -> None:
    spec = get_task("record")
    split = spec.encode(rows_of(spec, 2), wordpiece_tokenizer(), 64)
    outputs = np.array([[0, 0], [5, 7], [3, 5], [9, 9], [2, 2], [1, 0]], dtype=np.float32)
    assert spec.decode(split, outputs) == ("entity 1", "entity 0")


@pytest.mark.parametrize("name", TOKENIZERS)
def test_cut_words_are_predicted_outside(name: str) -> None:
    spec = get_task("conll03")
    split = spec.encode([{"tokens": ["Tokyo"] * 30, "ner_tags": [1] * 30}], TOKENIZERS[name](), 16)
    (tags,) = spec.decode(split, np.ones(split.labels.shape, dtype=np.int64))
    kept = len(split.decoding[0].word_W)
    assert tags == ["B-PER"] * kept + ["O"] * (30 - kept)


@pytest.mark.parametrize(("name", "kept"), [("wordpiece", [0, 2, 3]), ("bytelevel", [0, 1, 2, 3])])
def test_words_of_blanks_and_control_characters_keep_their_place(name: str, kept: list[int]) -> None:
    spec = get_task("conll03")
    split = spec.encode([{"tokens": ["in", "\u200b", "Tokyo", "by "], "ner_tags": [1] * 4}], TOKENIZERS[name](), 32)
    (tags,) = spec.decode(split, np.ones(split.labels.shape, dtype=np.int64))
    assert [index for index, tag in enumerate(tags) if tag == "B-PER"] == kept


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_row_without_words_has_no_tags(name: str) -> None:
    spec = get_task("conll03")
    rows = [{"tokens": [], "ner_tags": []}, {"tokens": ["Tokyo"], "ner_tags": [1]}]
    split = spec.encode(rows, TOKENIZERS[name](), 16)
    assert spec.decode(split, np.ones(split.labels.shape, dtype=np.int64)) == ([], ["B-PER"])


def test_choices_and_numbers() -> None:
    copa, stsb = get_task("copa"), get_task("stsb")
    split = copa.encode(rows_of(copa, 3), wordpiece_tokenizer(), 64)
    assert copa.decode(split, np.array([[1, 2], [3, 2], [0, 0]])) == (1, 0, 0)
    split = stsb.encode(rows_of(stsb, 2), wordpiece_tokenizer(), 64)
    assert stsb.decode(split, np.array([[0.5], [2.25]], dtype=np.float32)) == (0.5, 2.25)


def test_outputs_of_another_split_are_refused() -> None:
    spec = get_task("cb")
    split = spec.encode(rows_of(spec, 3), wordpiece_tokenizer(), 64)
    with pytest.raises(ValueError, match="2 outputs for the 3 examples of task cb"):
        spec.decode(split, np.zeros((2, 3)))
