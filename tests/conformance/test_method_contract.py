"""What every method and every metric must keep; a new plug-in is tested by being registered."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from panda_ray.errors import InputError
from panda_ray.methods import (
    METHODS,
    Inputs,
    Method,
    PairSimilarities,
    PairTeachers,
    SourcePrompts,
    get_method,
    requirement,
)
from panda_ray.metrics import METRICS, Metric, PairMetric, TriedPairMetric, get_metric
from panda_ray.prompts.prompt import Prompt
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Member
from panda_ray.training.trainables.trainable import stacked
from support.models import random_backbone, random_prefixes
from support.toys import toy_task

CONFIG = TrainConfig(lr=1e-2, batch_size=4, epochs=2, prompt_len=5, max_len=24)
SOURCES = {"none": 0, "one": 1, "several": 3}
"""Sources of a cell."""
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
every_metric_of_prompts = pytest.mark.parametrize(
    "metric",
    [metric for metric in METRICS if not isinstance(metric, PairMetric | TriedPairMetric)],
    ids=lambda metric: metric.name,
)


def a_prompt(seed: int) -> Prompt:
    return Prompt(random_prefixes(random_backbone(), 1, seed=seed)[0], torch.randn(3, 32), torch.zeros(3))


def inputs(method: Method, seed: int = 3) -> Inputs:
    """Exactly what the method says it needs, nothing more."""
    required = method.requires(method.Options())
    count = SOURCES[method.sources]
    return Inputs(
        name="cell",
        seed=seed,
        config=CONFIG,
        geometry=random_backbone().geometry,
        source_prompts=prompts(1, count) if requirement(SourcePrompts, required) else (),
        teachers=prompts(11, count) if requirement(PairTeachers, required) else (),
        similarities=(0.5, 0.25, -0.125)[:count] if requirement(PairSimilarities, required) else (),
    )


def leaves(member: Member) -> list[Tensor]:
    return [*stacked([member.start], CONFIG, random_backbone()).leaves.values()]


def prompts(first: int, count: int) -> tuple[Prompt, ...]:
    return tuple(a_prompt(seed) for seed in range(first, first + count))


def test_names_are_unique() -> None:
    names = [plugin.name for plugin in (*METHODS, *METRICS)]
    assert len(names) == len(set(names))


@every_method
def test_a_method_is_found_by_its_name_and_says_what_it_is(method: Method) -> None:
    assert get_method(method.name) is method
    assert method.version >= 1
    assert method.summary


@every_method
def test_a_method_starts_from_what_it_asked_for_and_trains(method: Method) -> None:
    member = method.member(inputs(method), method.Options())
    [result] = train_stack(random_backbone(), toy_task("classification"), [member], CONFIG)
    assert result.error is None
    assert result.artifact is not None
    assert bool(result.artifact) == member.is_kept
    assert len(result.history) == CONFIG.epochs


@every_method
def test_a_method_is_a_function_of_its_seed(method: Method) -> None:
    first, again = (method.member(inputs(method), method.Options()) for _ in range(2))
    assert all(torch.equal(*pair) for pair in zip(leaves(first), leaves(again), strict=True))
    starts_from_what_is_given = method.trains(method.Options().model_dump()).gradients == "weights"
    if SourcePrompts() not in method.requires(method.Options()) and not starts_from_what_is_given:
        other = method.member(inputs(method, seed=4), method.Options())
        assert not all(torch.equal(*pair) for pair in zip(leaves(first), leaves(other), strict=True))


@every_method
def test_only_methods_with_a_source_require_something_and_each_kind_once(method: Method) -> None:
    required = method.requires(method.Options())
    assert (method.sources == "none") == (required == ())
    kinds = [type(each) for each in required]
    assert len(kinds) == len(set(kinds))
    if (teacher := requirement(PairTeachers, required)) is not None:
        assert get_method(teacher.method).sources == "one"
    if (weighed := requirement(PairSimilarities, required)) is not None:
        get_metric(weighed.metric.metric)
    assert method.teacher_passes(SOURCES[method.sources]) >= 0


@every_method
def test_a_method_refuses_unknown_options(method: Method) -> None:
    with pytest.raises(ValidationError):
        method.Options(no_such_option=1)  # type: ignore[call-arg]


@every_metric
def test_a_metric_is_found_by_its_name_and_says_what_it_is(metric: Metric) -> None:
    assert get_metric(metric.name) is metric
    assert metric.version >= 1
    assert metric.summary


@every_metric_of_prompts
def test_a_metric_of_prompts_is_symmetric_bounded_and_highest_for_itself(metric: Metric) -> None:
    task, options = toy_task("classification", train=60, dev=60), metric.Options()
    embeddings = [
        metric.embedding(random_backbone(), a_prompt(seed), task if metric.needs_data else None, options)
        if metric.needs_prompt
        else None
        for seed in (1, 2)
    ]
    there, back = metric.similarity(*embeddings, options), metric.similarity(*reversed(embeddings), options)
    assert there == pytest.approx(back)
    assert -1 <= there <= metric.similarity(embeddings[0], embeddings[0], options) + 1e-6
    assert metric.similarity(embeddings[0], embeddings[0], options) == pytest.approx(1.0, abs=1e-5)


@every_metric_of_prompts
def test_an_embedding_is_a_function_of_prompt_and_rows_alone(metric: Metric) -> None:
    task, options = toy_task("classification", train=60, dev=60), metric.Options()
    first, again = (metric.embedding(random_backbone(), a_prompt(1), task, options) for _ in range(2))
    assert first.dtype == np.float32
    assert np.array_equal(first, again)


def test_misspelt_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'panda'"):
        get_method("pand")
    with pytest.raises(InputError, match="did you mean 'e_avg'"):
        get_metric("eavg")
