"""Measures against scikit-learn, scipy, seqeval and the SQuAD 2.0 rules written a second time."""

from __future__ import annotations

import collections
import random
import re
import string
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import f1_score as seqeval_f1
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from panda_ray.errors import InputError
from panda_ray.tasks.measures.scores import MEASURES, reduce, reduce_samples, statistics
from panda_ray.tasks.measures.spans import spans

SEEDS = range(20)


def score(measure: str, values: Any, references: Any) -> float:
    return reduce(measure, statistics(measure, values, references))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("measure", "reference"), [("accuracy", accuracy_score), ("f1", f1_score), ("matthews", matthews_corrcoef)]
)
def test_label_measures_equal_scikit_learn(measure: str, reference: Any, seed: int) -> None:
    draw = np.random.default_rng(seed)
    actual, predicted = draw.integers(0, 2, 50).tolist(), draw.integers(0, 2, 50).tolist()
    assert score(measure, predicted, actual) == pytest.approx(100 * reference(actual, predicted))


def test_accuracy_of_many_classes() -> None:
    assert score("accuracy", [0, 1, 2, 2], [0, 1, 2, 1]) == pytest.approx(75)


@pytest.mark.parametrize("predicted", [[0, 0, 0, 0], [1, 1, 1, 1]])
def test_matthews_of_a_constant_prediction_is_zero(predicted: list[int]) -> None:
    assert score("matthews", predicted, [0, 1, 1, 0]) == 0


def test_f1_without_any_positive_is_zero() -> None:
    assert score("f1", [0, 0], [0, 0]) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_correlations_equal_scipy(seed: int) -> None:
    draw = np.random.default_rng(seed)
    actual = draw.integers(0, 11, 40) / 2  # with ties, as in STS-B
    predicted = actual + draw.normal(0, 2, 40).round(1)
    expected = (pearsonr(predicted, actual).statistic + spearmanr(predicted, actual).statistic) / 2
    assert score("pearson_spearman_mean", predicted.tolist(), actual.tolist()) == pytest.approx(100 * expected)


def test_correlation_of_a_constant_prediction_is_zero() -> None:
    assert score("pearson_spearman_mean", [2.0, 2.0, 2.0], [1.0, 2.0, 3.0]) == 0


def random_tags(draw: random.Random, words: int) -> list[str]:
    """Any sequence, also those that begin a span with "I-" or change its type inside."""
    return draw.choices(["O", "B-A", "I-A", "B-C-A", "I-C-A"], weights=[3, 2, 3, 1, 2], k=words)


@pytest.mark.parametrize("seed", range(60))
def test_span_f1_equals_seqeval(seed: int) -> None:
    draw = random.Random(seed)
    lengths = [draw.randint(1, 12) for _ in range(6)]
    actual = [random_tags(draw, words) for words in lengths]
    predicted = [
        [tag if draw.random() < 0.6 else other for tag, other in zip(tags, random_tags(draw, len(tags)), strict=True)]
        for tags in actual
    ]
    assert score("span_f1", predicted, actual) == pytest.approx(100 * seqeval_f1(actual, predicted))


def test_spans_of_a_sentence() -> None:
    tags = ["B-X", "I-X", "B-X", "O", "I-Y", "I-X"]
    assert spans(tags) == {("X", 0, 1), ("X", 2, 2), ("Y", 4, 4), ("X", 5, 5)}


def official_squad_f1(prediction: str, answers: list[str]) -> tuple[float, float]:
    """The rules of SQuAD 2.0's evaluation, written independently of the package: (F1, exact match)."""

    def tokens(text: str) -> list[str]:
        kept = "".join(character for character in text.lower() if character not in string.punctuation)
        return [word for word in re.split(r"\s+", kept) if word and word not in ("a", "an", "the")]

    golds = [tokens(answer) for answer in answers]
    golds = [gold for gold in golds if gold] or [[]]
    best = 0.0
    for gold in golds:
        found = tokens(prediction)
        if not gold or not found:
            best = max(best, 1.0 if gold == found else 0.0)
            continue
        remaining, same = collections.Counter(gold), 0
        for word in found:
            if remaining[word] > 0:
                remaining[word] -= 1
                same += 1
        if same:
            precision, recall = same / len(found), same / len(gold)
            best = max(best, 2 * precision * recall / (precision + recall))
    return best, float(tokens(prediction) in golds)


@pytest.mark.parametrize(
    ("prediction", "answers", "f1"),
    [
        ("the Eiffel Tower!", ["Eiffel tower"], 1.0),
        ("Eiffel", ["Eiffel Tower", "tower of Eiffel"], 2 / 3),
        ("", [], 1.0),
        ("something", [], 0.0),
        ("", ["something"], 0.0),
        ("U.S.", ["US"], 1.0),
        ("a the", ["An."], 1.0),
        ("one one two", ["one two two"], 2 / 3),
        ("x", ["the", "x"], 1.0),
    ],
)
def test_answer_f1_of_known_cases(prediction: str, answers: list[str], f1: float) -> None:
    assert score("squad_f1", [prediction], [{"answers": answers}]) == pytest.approx(100 * f1)
    assert official_squad_f1(prediction, answers)[0] == pytest.approx(f1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("measure", ["squad_f1", "record_f1"])
def test_answer_measures_equal_the_official_rules(measure: str, seed: int) -> None:
    draw = random.Random(seed)
    words = ["the", "a", "Tower,", "tower", "of", "Paris.", "1889", "-", "the-end"]

    def phrase() -> str:
        return " ".join(draw.choices(words, k=draw.randint(0, 4)))

    predictions = [phrase() for _ in range(30)]
    references = [{"answers": [phrase() for _ in range(draw.randint(0, 3))]} for _ in range(30)]
    expected = [
        official_squad_f1(prediction, reference["answers"])
        for prediction, reference in zip(predictions, references, strict=True)
    ]
    found = statistics(measure, predictions, references)
    np.testing.assert_allclose(found, expected)
    assert reduce(measure, found) == pytest.approx(100 * np.mean([f1 for f1, _ in expected]))


@pytest.mark.parametrize("measure", MEASURES)
def test_a_score_depends_on_the_sample_alone(measure: str) -> None:
    """What a bootstrap relies on: resampled statistics score as the resampled items do."""
    draw = random.Random(0)
    values: list[Any]
    references: list[Any]
    if measure == "span_f1":
        values, references = ([random_tags(draw, 5) for _ in range(30)] for _ in range(2))
    elif measure in ("squad_f1", "record_f1"):
        values = draw.choices(["one", "two", "one two"], k=30)
        references = [{"answers": [answer]} for answer in draw.choices(["one", "two"], k=30)]
    else:
        values, references = (draw.choices([0, 1], k=30) for _ in range(2))
    sample = draw.choices(range(30), k=30)
    resampled = score(measure, [values[item] for item in sample], [references[item] for item in sample])
    assert reduce(measure, statistics(measure, values, references)[sample]) == pytest.approx(resampled)


def test_mistakes_of_a_caller_are_named() -> None:
    with pytest.raises(InputError, match="unknown measure 'acuracy'; did you mean 'accuracy'"):
        reduce("acuracy", np.ones((2, 1)))
    with pytest.raises(ValueError, match="1 predictions for 2 references"):
        statistics("accuracy", [0], [0, 1])
    with pytest.raises(ValueError, match="of no items is undefined"):
        reduce("accuracy", np.ones((0, 1)))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("values", ["few", "many", "constant"])
def test_samples_are_scored_as_if_one_by_one(measure: str, values: str) -> None:
    """Several units at once, with ties, without and constant; more samples than are ranked at a time."""
    draw = np.random.default_rng(3)
    width = 2 if measure == "pearson_spearman_mean" else 3
    statistics_UIM = draw.integers(0, 2, (3, 30, width)).astype(np.float64)
    if measure == "pearson_spearman_mean":
        statistics_UIM[..., 1] = draw.integers(0, 5, 30)
        statistics_UIM[2, :, 1] += draw.normal(size=30)  # a unit with other references
        if values != "few":
            statistics_UIM[..., 0] = 0.1 if values == "constant" else draw.normal(100, 1, (3, 30))
    samples_RI = draw.integers(0, 30, (300, 30))
    samples_RI[0] = 0
    alone = [[reduce(measure, statistics_IM[sample_I]) for sample_I in samples_RI] for statistics_IM in statistics_UIM]
    found_UR = reduce_samples(measure, statistics_UIM, samples_RI)
    np.testing.assert_allclose(found_UR, alone, rtol=0, atol=2e-5)
