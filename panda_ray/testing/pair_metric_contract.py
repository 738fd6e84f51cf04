"""What a metric keeps that judges a pair by the target's labelled rows, of every kind; and one by features alone.

Shape letters: X labelled rows or tokens, C classes, D hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from panda_ray.backbones import Backbone
from panda_ray.metrics import PairMetric
from panda_ray.metrics.pairs.feature_metric import FeatureMetric
from panda_ray.metrics.pairs.pair_metric import SourcePrompt
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.testing.metric_contract import AnyMetricContract
from panda_ray.testing.tried_on import TASK_OF_KIND, drawn_prompt, sample_backbone, sample_task


class PairMetricContract(AnyMetricContract):
    """Say in the fixture `metric` what is tested."""

    @pytest.fixture
    def metric(self) -> PairMetric:
        raise NotImplementedError("override the fixture `metric`")

    @pytest.fixture
    def backbone(self) -> Backbone:
        """What the metric is tried on."""
        return sample_backbone()

    @pytest.fixture(params=TASK_OF_KIND)
    def task(self, request: pytest.FixtureRequest) -> EncodedTask:
        """The target, of every kind."""
        return sample_task(request.param)

    @pytest.fixture
    def sources(self, backbone: Backbone, task: EncodedTask) -> list[SourcePrompt]:
        """Three that differ; here of tasks that have the target's labels."""
        seeds, outputs = (1, 2, 3), task.spec.output_size
        return [SourcePrompt(task.spec, drawn_prompt(backbone, seed, outputs)) for seed in seeds]

    def test_a_judgement_is_between_0_and_1_and_a_function_of_the_prompt_and_the_training_rows(
        self, metric: PairMetric, backbone: Backbone, task: EncodedTask, sources: list[SourcePrompt]
    ) -> None:
        [kept] = judged(metric, backbone, sources[:1], task)
        assert kept.shape == (1,)
        assert kept.dtype == np.float32
        assert 0 <= metric.similarity(kept, None, metric.Options()) <= 1
        assert judged(metric, backbone, sources[:1], replace(task, dev=task.train)) == [kept]
        if not metric.judges(sources[0].task, task.spec):
            assert kept == 0
            return
        relabelled = [with_other_labels(task, places) for places in (7, 13)]
        of_other_labels = [judged(metric, backbone, sources[:1], other)[0] for other in relabelled]
        of_other_prompts = judged(metric, backbone, sources[1:], task)
        # Two of each, for a metric that counts rows may count as many twice; and 0 is what tells nothing in any case.
        assert kept == 0 or all(any(other != kept for other in each) for each in (of_other_labels, of_other_prompts))

    def test_prompts_that_pass_together_are_judged_as_alone(
        self, metric: PairMetric, backbone: Backbone, task: EncodedTask, sources: list[SourcePrompt]
    ) -> None:
        alone = [judged(metric, backbone, [source], task)[0] for source in sources]
        together = judged(metric, backbone, sources, task)
        np.testing.assert_allclose(np.stack(together), np.stack(alone), rtol=1e-3, atol=1e-5)

    def test_rows_of_one_label_tell_nothing(self, metric: PairMetric) -> None:
        backbone, task = sample_backbone(), sample_task()
        source = SourcePrompt(task.spec, drawn_prompt(backbone, 1, task.spec.output_size))
        of_one = replace(task, train=replace(task.train, labels=torch.ones_like(task.train.labels)))
        [kept] = judged(metric, backbone, [source], of_one)
        assert metric.similarity(kept, None, metric.Options()) == 0


class FeatureMetricContract(PairMetricContract):
    """Of a metric by how well features tell the labels."""

    @pytest.fixture
    def metric(self) -> FeatureMetric:
        raise NotImplementedError("override the fixture `metric`")

    def test_features_that_tell_the_labels_are_judged_higher_than_noise(self, metric: FeatureMetric) -> None:
        options = metric.Options()
        scores = [metric.score(*clusters(300, spread), options) for spread in (0.2, 1.5, 6.0)]
        assert scores[0] > scores[1] > scores[2]
        assert scores[0] > 0.9
        features_XD, label_X = clusters(300, 0.2)
        shuffled_X = np.random.default_rng(0).permutation(label_X)
        assert metric.score(features_XD, shuffled_X, options) < 0.6 * scores[0]

    def test_numbers_that_features_tell_are_judged_higher_than_noise(self, metric: FeatureMetric) -> None:
        draw = np.random.default_rng(1)
        number_X = draw.uniform(0, 5, size=300)
        direction_D = draw.normal(size=12)
        noise_XD = draw.normal(size=(300, 12))
        told, guessed = (
            metric.score(np.outer(signal * (number_X - 2.5), direction_D) + noise_XD, number_X, metric.Options())
            for signal in (3.0, 0.0)
        )
        assert 0 <= guessed < told <= 1

    def test_neither_the_names_of_classes_nor_the_order_of_rows_matter(self, metric: FeatureMetric) -> None:
        feature_XD, label_X = clusters(90, 1.0)
        renamed_X = np.array([7, 2, 4])[label_X]
        order = np.random.default_rng(5).permutation(90)
        expected = metric.score(feature_XD, label_X, metric.Options())
        assert metric.score(feature_XD, renamed_X, metric.Options()) == pytest.approx(expected, rel=1e-9)
        assert metric.score(feature_XD[order], label_X[order], metric.Options()) == pytest.approx(expected, rel=1e-9)

    def test_more_dimensions_than_rows_and_constant_features_are_no_trouble(self, metric: FeatureMetric) -> None:
        draw = np.random.default_rng(2)
        label_X = np.repeat([0, 1], [9, 16])
        wide = metric.score(draw.normal(size=(25, 400)), label_X, metric.Options())
        constant = metric.score(np.ones((25, 8)), label_X, metric.Options())
        assert 0 <= wide <= 1
        assert 0 <= constant <= 1


def judged(
    metric: PairMetric, backbone: Backbone, sources: Sequence[SourcePrompt], task: EncodedTask
) -> list[NDArray[np.float32]]:
    return metric.pairs(backbone, sources, task, metric.Options())


def clusters(rows: int, spread: float) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Features (X, D) around one point of each of three unequal classes, and the classes."""
    draw = np.random.default_rng(3)
    label_X = draw.choice(3, size=rows, p=[0.5, 0.3, 0.2])
    centre_CD = draw.normal(size=(3, 12))
    return centre_CD[label_X] + spread * draw.normal(size=(rows, 12)), label_X


def with_other_labels(task: EncodedTask, places: int) -> EncodedTask:
    return replace(task, train=replace(task.train, labels=task.train.labels.roll(places, 0)))
