"""What every transfer method keeps."""

from __future__ import annotations

import json

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from panda_ray.backbones import Backbone
from panda_ray.methods import (
    Inputs,
    Method,
    Origin,
    PairSimilarities,
    PairTeachers,
    SourcePrompts,
    get_method,
    requirement,
)
from panda_ray.metrics import get_metric
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.testing.tried_on import MAX_LEN, drawn_prompt, sample_backbone, sample_task
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Member
from panda_ray.training.trainables.trainable import stacked

CONFIG = TrainConfig(lr=1e-2, batch_size=4, epochs=2, prompt_len=5, max_len=MAX_LEN)
SOURCES = {"none": 0, "one": 1, "several": 3}
"""Sources of a cell."""


class MethodContract:
    """Say in the fixture `method` what is tested."""

    @pytest.fixture
    def method(self) -> Method:
        raise NotImplementedError("override the fixture `method`")

    @pytest.fixture
    def backbone(self) -> Backbone:
        """What the method is tried on."""
        return sample_backbone()

    @pytest.fixture
    def task(self) -> EncodedTask:
        """Likewise: a few rows, for they are trained on."""
        return sample_task(train=13, dev=9)

    @pytest.fixture
    def inputs(self, method: Method, backbone: Backbone, task: EncodedTask) -> Inputs:
        """Exactly what the method says it needs, nothing more."""
        return inputs_of(method, backbone, task)

    def test_it_is_found_by_its_name_and_says_what_it_is(self, method: Method) -> None:
        assert get_method(method.name) is method
        assert method.version >= 1
        assert method.summary

    def test_it_starts_from_what_it_asked_for_and_trains(
        self, method: Method, backbone: Backbone, task: EncodedTask, inputs: Inputs
    ) -> None:
        member = method.member(inputs, method.Options())
        config = method.config(CONFIG, task.spec.size_class, method.Options())
        [result] = train_stack(backbone, task, [member], config)
        assert result.error is None
        assert result.artifact is not None
        assert bool(result.artifact) == member.is_kept
        assert len(result.history) == max(1, config.epochs), "what trains nothing is evaluated once"

    def test_it_is_a_function_of_its_seed(
        self, method: Method, backbone: Backbone, task: EncodedTask, inputs: Inputs
    ) -> None:
        first, again = (leaves(method.member(inputs, method.Options()), backbone) for _ in range(2))
        assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
        starts_from_what_is_given = method.trains(method.Options().model_dump()).gradients == "weights"
        if SourcePrompts() not in method.requires(method.Options()) and not starts_from_what_is_given:
            seeded = inputs_of(method, backbone, task, seed=inputs.seed + 1)
            other = leaves(method.member(seeded, method.Options()), backbone)
            assert not all(torch.equal(*pair) for pair in zip(first, other, strict=True))

    def test_only_one_with_a_source_requires_something_and_each_sort_once(self, method: Method) -> None:
        required = method.requires(method.Options())
        assert (method.sources == "none") == (required == ())
        sorts = [type(each) for each in required]
        assert len(sorts) == len(set(sorts))
        if (teacher := requirement(PairTeachers, required)) is not None:
            assert get_method(teacher.method).sources == "one"
        if (weighed := requirement(PairSimilarities, required)) is not None:
            get_metric(weighed.metric.metric)
        assert method.teacher_passes(SOURCES[method.sources]) >= 0

    def test_it_refuses_unknown_options(self, method: Method) -> None:
        with pytest.raises(ValidationError):
            method.Options(no_such_option=1)  # type: ignore[call-arg]

    def test_its_options_are_data_that_a_key_is_made_of(self, method: Method) -> None:
        said = json.loads(json.dumps(method.Options().model_dump(mode="json"), allow_nan=False))
        assert method.Options.model_validate(said).model_dump(mode="json") == said


def inputs_of(method: Method, backbone: Backbone, task: EncodedTask, seed: int = 3) -> Inputs:
    required = method.requires(method.Options())
    count, outputs = SOURCES[method.sources], task.spec.output_size

    def prompts(first: int) -> tuple[Prompt, ...]:
        return tuple(drawn_prompt(backbone, drawn, outputs) for drawn in range(first, first + count))

    return Inputs(
        name="cell",
        seed=seed,
        config=CONFIG,
        geometry=backbone.geometry,
        source_prompts=prompts(1) if requirement(SourcePrompts, required) else (),
        origins=(Origin("normal", 0.02),) * count if requirement(SourcePrompts, required) else (),
        teachers=prompts(11) if requirement(PairTeachers, required) else (),
        source_labels=(task.spec.labels,) * count,
        target_labels=task.spec.labels,
        similarities=(0.5, 0.25, -0.125)[:count] if requirement(PairSimilarities, required) else (),
    )


def leaves(member: Member, backbone: Backbone) -> list[Tensor]:
    return [*stacked([member.start], CONFIG, backbone).leaves.values()]
