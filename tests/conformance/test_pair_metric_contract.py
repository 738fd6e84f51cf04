"""What every metric that judges pairs must keep, on every kind of task; a new one is tested by being registered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from panda_ray.metrics import METRICS, PairMetric
from panda_ray.metrics.pairs.feature_metric import FeatureMetric
from panda_ray.metrics.pairs.pair_metric import SourcePrompt
from panda_ray.tasks.encoded import EncodedTask
from support.heads import a_source
from support.models import random_backbone
from support.toys import KINDS, toy_task

JUDGES = [metric for metric in METRICS if isinstance(metric, PairMetric)]
OF_FEATURES = [metric for metric in JUDGES if isinstance(metric, FeatureMetric)]
every_feature_metric = pytest.mark.parametrize("metric", OF_FEATURES, ids=lambda metric: metric.name)
every_judge = pytest.mark.parametrize("metric", JUDGES, ids=lambda metric: metric.name)
every_kind = pytest.mark.parametrize("kind", KINDS)


def clusters(rows: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Features (X, D) around one point of each of three unequal classes, and the classes."""
    draw = np.random.default_rng(3)
    label_X = draw.choice(3, size=rows, p=[0.5, 0.3, 0.2])
    centre_CD = draw.normal(size=(3, 12))
    return centre_CD[label_X] + spread * draw.normal(size=(rows, 12)), label_X


TELL_NOTHING = {("regression", "logme"), ("regression", "knn")}
"""Where the features of a random backbone tell nothing of the toy task's labels, whatever the prompt."""


def alike(task: EncodedTask, seed: int) -> SourcePrompt:
    """A source whose head labels the same places as the heads of tasks of that kind read."""
    return a_source("tagging" if task.spec.kind.reads_tokens else "classification", task, seed)


def judged(metric: PairMetric, sources: list[SourcePrompt], task: EncodedTask) -> list[np.ndarray]:
    return metric.pairs(random_backbone(), sources, task, metric.Options())


def with_other_dev_rows(task: EncodedTask) -> EncodedTask:
    return replace(task, dev=task.train)


def with_other_labels(task: EncodedTask) -> EncodedTask:
    return replace(task, train=replace(task.train, labels=task.train.labels.roll(7, 0)))


@every_judge
@every_kind
def test_a_judgement_is_between_0_and_1_and_a_function_of_the_prompt_and_the_training_rows(
    metric: PairMetric, kind: str
) -> None:
    task = toy_task(kind, train=60)
    source = alike(task, 1)
    [kept] = judged(metric, [source], task)
    assert kept.shape == (1,)
    assert kept.dtype == np.float32
    assert 0 <= metric.similarity(kept, None, metric.Options()) <= 1
    assert judged(metric, [source], with_other_dev_rows(task)) == [kept]
    others = [*judged(metric, [alike(task, 2)], task), *judged(metric, [source], with_other_labels(task))]
    if metric.judges(source.task, task.spec):
        assert (kind, metric.name) in TELL_NOTHING or all(other != kept for other in others)
    else:
        assert kept == 0


@every_judge
@every_kind
def test_prompts_that_pass_together_are_judged_as_alone(metric: PairMetric, kind: str) -> None:
    task = toy_task(kind, train=45)
    sources = [alike(task, seed) for seed in (1, 2, 3)]
    alone = [judged(metric, [source], task)[0] for source in sources]
    together = judged(metric, sources, task)
    np.testing.assert_allclose(np.stack(together), np.stack(alone), rtol=1e-3, atol=1e-5)


@every_feature_metric
def test_features_that_tell_the_labels_are_judged_higher_than_noise(metric: FeatureMetric) -> None:
    options = metric.Options()
    scores = [metric.score(*clusters(300, spread), options) for spread in (0.2, 1.5, 6.0)]
    assert scores[0] > scores[1] > scores[2]
    assert scores[0] > 0.9
    features_XD, label_X = clusters(300, 0.2)
    shuffled_X = np.random.default_rng(0).permutation(label_X)
    assert metric.score(features_XD, shuffled_X, options) < 0.6 * scores[0]


@every_feature_metric
def test_numbers_that_features_tell_are_judged_higher_than_noise(metric: FeatureMetric) -> None:
    draw = np.random.default_rng(1)
    number_X = draw.uniform(0, 5, size=300)
    direction_D = draw.normal(size=12)
    noise_XD = draw.normal(size=(300, 12))
    told, guessed = (
        metric.score(np.outer(signal * (number_X - 2.5), direction_D) + noise_XD, number_X, metric.Options())
        for signal in (3.0, 0.0)
    )
    assert 0 <= guessed < told <= 1


@every_feature_metric
def test_neither_the_names_of_classes_nor_the_order_of_rows_matter(metric: FeatureMetric) -> None:
    feature_XD, label_X = clusters(90, 1.0)
    renamed_X = np.array([7, 2, 4])[label_X]
    order = np.random.default_rng(5).permutation(90)
    expected = metric.score(feature_XD, label_X, metric.Options())
    assert metric.score(feature_XD, renamed_X, metric.Options()) == pytest.approx(expected, rel=1e-9)
    assert metric.score(feature_XD[order], label_X[order], metric.Options()) == pytest.approx(expected, rel=1e-9)


@every_judge
def test_rows_of_one_label_tell_nothing(metric: PairMetric) -> None:
    task = toy_task("classification", train=40)
    of_one = replace(task, train=replace(task.train, labels=torch.ones_like(task.train.labels)))
    [kept] = judged(metric, [alike(task, 1)], of_one)
    assert metric.similarity(kept, None, metric.Options()) == 0


@every_feature_metric
def test_more_dimensions_than_rows_and_constant_features_are_no_trouble(metric: FeatureMetric) -> None:
    draw = np.random.default_rng(2)
    label_X = np.repeat([0, 1], [9, 16])
    wide = metric.score(draw.normal(size=(25, 400)), label_X, metric.Options())
    constant = metric.score(np.ones((25, 8)), label_X, metric.Options())
    assert 0 <= wide <= 1
    assert 0 <= constant <= 1
