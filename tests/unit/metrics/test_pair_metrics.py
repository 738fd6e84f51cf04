"""Metrics that judge pairs against independent computations: scikit-learn, SciPy, and one row at a time."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from panda_ray.backbones.backbone import Backbone, Tokens
from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.pairs.feature_metric import FeatureOptions, without_means
from panda_ray.metrics.pairs.h_score import HScore, h_score
from panda_ray.metrics.pairs.logme import LogME, label_columns, log_evidences
from panda_ray.metrics.pairs.nearest_neighbours import NearestNeighbours, NeighbourOptions
from panda_ray.metrics.pairs.pair_features import labelled_places, pair_features
from panda_ray.metrics.pairs.pair_metric import SourcePrompt
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.tasks.kinds.labelled import Labelled
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_task


def rows(count: int = 40, size: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features (X, D) that tell something of three unequal classes, and the classes."""
    draw = np.random.default_rng(seed)
    label_X = np.concatenate([[0, 1, 2], draw.choice(3, size=count - 3, p=[0.6, 0.3, 0.1])])
    return draw.normal(size=(count, size)) + 0.7 * draw.normal(size=(3, size))[label_X], label_X


def numbers(count: int = 40, size: int = 6) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(4)
    feature_XD = draw.normal(size=(count, size))
    return feature_XD, (feature_XD @ draw.normal(size=size) + draw.normal(size=count)).astype(np.float32)


@pytest.mark.parametrize(("count", "size"), [(40, 6), (15, 30)])
@pytest.mark.parametrize("data", [rows, numbers])
def test_log_evidence_is_the_largest_marginal_likelihood_of_the_linear_model(
    data: type[rows], count: int, size: int
) -> None:
    feature_XD, label_X = data(count, size)
    column_XC = label_columns(label_X)
    for found, y_X in zip(log_evidences(feature_XD, column_XC), column_XC.T, strict=True):

        def negative(log_precisions: np.ndarray, y_X: np.ndarray = y_X) -> float:
            alpha, beta = np.exp(log_precisions)
            covariance = np.eye(count) / beta + feature_XD @ feature_XD.T / alpha
            return -multivariate_normal.logpdf(y_X, cov=covariance) / count

        starts = [(0.0, 0.0), (3.0, 1.0), (6.0, 2.0)]
        best = -min(minimize(negative, start, method="Nelder-Mead", tol=1e-10).fun for start in starts)
        assert found == pytest.approx(best, rel=1e-3, abs=1e-3)


def test_logme_is_the_gain_in_evidence_by_cox_and_snell() -> None:
    feature_XD, label_X = rows()
    gains = []
    for name in range(3):
        y_X = (label_X == name).astype(float)
        nothing = multivariate_normal.logpdf(y_X, cov=np.eye(40) * np.mean(y_X**2)) / 40
        gains.append(log_evidences(feature_XD, y_X[:, None])[0] - nothing)
    expected = 1 - np.exp(-2 * np.mean(gains))
    assert 0 < expected < 1
    assert LogME().score(feature_XD, label_X, FeatureOptions()) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("k", [1, 5])
def test_knn_is_the_balanced_accuracy_of_leave_one_out(k: Literal[1, 5]) -> None:
    feature_XD, label_X = rows(60)
    label_X = np.minimum(label_X, 1)  # two classes and odd k: no ties, which are broken in another way
    judge = KNeighborsClassifier(k, metric="cosine", algorithm="brute")
    voted = cross_val_predict(judge, feature_XD, label_X, cv=LeaveOneOut())
    expected = balanced_accuracy_score(label_X, voted)
    assert NearestNeighbours().score(feature_XD, label_X, NeighbourOptions(k=k)) == pytest.approx(expected)


def test_knn_of_equally_frequent_labels_takes_that_of_the_nearest() -> None:
    angle_X = np.radians([0, 10, 25, 90, 100, 115])
    feature_XD = np.stack([np.cos(angle_X), np.sin(angle_X)], axis=1)
    label_X = np.array([0, 0, 1, 1, 1, 0])
    # Nearest two of each row: of rows 0, 1, 3 and 4 the nearest alone has the row's label, of rows 2 and 5 none does.
    assert NearestNeighbours().score(feature_XD, label_X, NeighbourOptions(k=2)) == pytest.approx(2 / 3)


def test_knn_of_numbers_is_the_variance_that_neighbours_explain() -> None:
    feature_XD, label_X = numbers(80, 3)
    judge = KNeighborsRegressor(5, metric="cosine", algorithm="brute")
    expected = r2_score(label_X, cross_val_predict(judge, feature_XD, label_X, cv=LeaveOneOut()))
    assert 0 < expected < 1
    assert NearestNeighbours().score(feature_XD, label_X, NeighbourOptions()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("count", "size"), [(60, 6), (20, 50)])
def test_the_h_score_is_its_formula_with_the_shrinkage_of_ledoit_and_wolf(count: int, size: int) -> None:
    feature_XD, label_X = rows(count, size)
    shrunk_DD, intensity = ledoit_wolf(feature_XD)
    mean_XD = np.stack([feature_XD[label_X == label].mean(axis=0) for label in label_X])
    between_DD = np.cov(mean_XD, rowvar=False, bias=True)
    expected = np.trace(np.linalg.inv(shrunk_DD) @ ((1 - intensity) * between_DD))
    assert h_score(feature_XD, label_X) == pytest.approx(expected, rel=1e-6)
    assert HScore().score(feature_XD, label_X, FeatureOptions()) == pytest.approx(expected / 2, rel=1e-6)


@pytest.mark.parametrize("feature", ["pooler", "last_hidden"])
@pytest.mark.parametrize("kind", KINDS)
def test_features_are_what_the_head_reads_of_each_row_alone(
    kind: str, feature: Literal["pooler", "last_hidden"]
) -> None:
    backbone, task = random_backbone(), toy_task(kind, train=31)
    prompts = [Prompt(prefix, torch.zeros(3, 32), torch.zeros(3)) for prefix in random_prefixes(backbone, 2, seed=1)]
    example_B, labelled = labelled_places(task, 30, seed=1)
    feature_SXD = pair_features(backbone, prompts, task, example_B, labelled, feature)
    assert feature_SXD.shape == (2, len(labelled), 32)
    for prompt, feature_XD in zip(prompts, feature_SXD, strict=True):
        expected_XD = np.stack([_alone(backbone, prompt, task, example_B, labelled, at, feature) for at in range(30)])
        np.testing.assert_allclose(feature_XD, expected_XD, rtol=1e-3, atol=1e-5)


def test_means_are_taken_off_each_example_of_each_prompt() -> None:
    feature_SXD = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    example_X = np.array([4, 9, 4, 4, 9])
    centred_SXD = without_means(feature_SXD, example_X)
    for prompt, row in np.ndindex(2, 5):
        mean_D = feature_SXD[prompt, example_X == example_X[row]].mean(axis=0)
        np.testing.assert_allclose(centred_SXD[prompt, row], feature_SXD[prompt, row] - mean_D, atol=1e-6)


@pytest.mark.parametrize("kind", ["multiple_choice", "extractive_qa", "classification"])
def test_features_are_compared_within_an_example_where_a_softmax_compares_its_places(kind: str) -> None:
    """What all places of an example have in common is then of no account."""
    task, [prefix] = toy_task(kind, train=30), random_prefixes(random_backbone(), 1, seed=1)
    prompt, seen = Prompt(prefix, torch.zeros(3, 32), torch.zeros(3)), []

    class Looking(HScore):
        def score(self, feature_XD: np.ndarray, label_X: np.ndarray, options: MetricOptions) -> float:
            seen.append(feature_XD)
            return 0.0

    Looking().pairs(random_backbone(), [SourcePrompt(task.spec, prompt)], task, FeatureOptions())
    example_B, labelled = labelled_places(task, 1000, seed=0)
    feature_SXD = pair_features(random_backbone(), [prompt], task, example_B, labelled, "pooler")
    expected_SXD = feature_SXD if kind == "classification" else without_means(feature_SXD, labelled.example_X)
    np.testing.assert_allclose(seen[0], expected_SXD[0], atol=1e-6)


def _alone(
    backbone: Backbone,
    prompt: Prompt,
    task: EncodedTask,
    example_B: np.ndarray,
    labelled: Labelled,
    at: int,
    feature: str,
) -> np.ndarray:
    """What the head reads of one labelled place, its row in a pass of its own and without padding."""
    example, place = int(example_B[labelled.example_X[at]]), int(labelled.place_X[at])
    reads_tokens = task.spec.kind.reads_tokens
    row = example if reads_tokens else example * task.train.rows_per_example + place
    length = int(task.train.lengths_R[row])
    tokens = Tokens(
        task.train.input_ids_RT[row : row + 1, :length],
        task.train.token_type_ids_RT[row : row + 1, :length],
        torch.tensor([length]),
    )
    [read] = backbone.forward([tokens], prompt.prefix_LKNPH.unsqueeze(0), position_offset=True)
    if feature == "pooler" and not reads_tokens:
        return read.pooled_RD[0].numpy()
    return read.hidden_RTD[0, place if reads_tokens else 0].numpy()


def test_places_are_a_seeded_sample_of_the_training_set_and_have_its_labels() -> None:
    task = toy_task("classification", train=50)
    example_B, labelled = labelled_places(task, 20, seed=3)
    assert len(set(example_B.tolist())) == len(labelled) == 20
    assert labelled.label_X.tolist() == task.train.labels[torch.from_numpy(example_B)].tolist()
    again, other = labelled_places(task, 20, seed=3)[0], labelled_places(task, 20, seed=4)[0]
    assert np.array_equal(again, example_B)
    assert not np.array_equal(other, example_B)
    assert len(labelled_places(task, 1000, seed=3)[1]) == 50


def test_words_with_their_tags_choices_with_right_or_wrong_and_starts_of_answers_are_labelled() -> None:
    tagging = toy_task("tagging", train=9)
    _, labelled = labelled_places(tagging, 1000, seed=0)
    tags_ET = tagging.train.labels.numpy()
    assert len(labelled) == (tags_ET != -100).sum()
    assert np.array_equal(tags_ET[labelled.example_X, labelled.place_X], labelled.label_X)

    choosing = toy_task("multiple_choice", train=9)
    _, labelled = labelled_places(choosing, 1000, seed=0)
    assert len(labelled) == 9 * choosing.train.rows_per_example
    right = labelled.place_X[labelled.label_X == 1]
    assert np.array_equal(right, choosing.train.labels.numpy())

    answering = toy_task("extractive_qa", train=9)
    _, labelled = labelled_places(answering, 1000, seed=0)
    start_E = answering.train.labels.numpy()[:, 0]
    assert np.array_equal(labelled.place_X[labelled.label_X == 1], start_E)
    other = labelled.label_X == 0
    assert other.sum() == len(start_E)
    assert (labelled.place_X[other] != start_E).all()
    assert (labelled.place_X[other] < answering.train.lengths_R.numpy()).all()


def test_numbers_stay_numbers() -> None:
    _, labelled = labelled_places(toy_task("regression", train=12), 1000, seed=0)
    assert labelled.label_X.dtype.kind == "f"
