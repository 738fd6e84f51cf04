"""What every transferability metric keeps, and what one keeps that compares prompts with each other."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from panda_ray.backbones import Backbone
from panda_ray.metrics import Metric, get_metric
from panda_ray.metrics.registry import AnyMetric
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.testing.tried_on import drawn_prompt, sample_backbone, sample_task


class AnyMetricContract:
    """What all sorts of metrics keep; say in the fixture `metric` what is tested."""

    @pytest.fixture
    def metric(self) -> AnyMetric:
        raise NotImplementedError("override the fixture `metric`")

    def test_it_is_found_by_its_name_and_says_what_it_is(self, metric: AnyMetric) -> None:
        assert get_metric(metric.name) is metric
        assert metric.version >= 1
        assert metric.summary

    def test_it_refuses_unknown_options(self, metric: AnyMetric) -> None:
        with pytest.raises(ValidationError):
            metric.Options(no_such_option=1)  # type: ignore[call-arg]

    def test_its_options_are_data_that_a_key_is_made_of(self, metric: AnyMetric) -> None:
        said = json.loads(json.dumps(metric.Options().model_dump(mode="json"), allow_nan=False))
        assert metric.Options.model_validate(said).model_dump(mode="json") == said


class MetricContract(AnyMetricContract):
    """Of a metric that compares prompts; say in the fixture `metric` what is tested."""

    @pytest.fixture
    def metric(self) -> Metric:
        raise NotImplementedError("override the fixture `metric`")

    @pytest.fixture
    def backbone(self) -> Backbone:
        """What the metric is tried on."""
        return sample_backbone()

    @pytest.fixture
    def task(self) -> EncodedTask:
        """Likewise."""
        return sample_task()

    @pytest.fixture
    def prompts(self, backbone: Backbone, task: EncodedTask) -> list[Prompt]:
        """Two that differ."""
        return [drawn_prompt(backbone, seed, task.spec.output_size) for seed in (1, 2)]

    def test_an_embedding_is_a_function_of_prompt_and_rows_alone(
        self, metric: Metric, backbone: Backbone, task: EncodedTask, prompts: list[Prompt]
    ) -> None:
        first, again = (metric.embedding(backbone, prompts[0], task, metric.Options()) for _ in range(2))
        assert first.dtype == np.float32
        assert np.array_equal(first, again)

    def test_a_similarity_is_symmetric_bounded_and_highest_for_itself(
        self, metric: Metric, backbone: Backbone, task: EncodedTask, prompts: list[Prompt]
    ) -> None:
        options = metric.Options()
        first, second = (
            metric.embedding(backbone, prompt, task if metric.needs_data else None, options)
            if metric.needs_prompt
            else None
            for prompt in prompts
        )
        there, back = metric.similarity(first, second, options), metric.similarity(second, first, options)
        itself = metric.similarity(first, first, options)
        assert there == pytest.approx(back)
        assert -1 <= there <= itself + 1e-6
        assert itself == pytest.approx(1.0, abs=1e-5)
