"""The source's own model, asked about the target's items as it is: the column of Fig. 8 that needs no training.

Prompt and head are those of the source; nothing is trained, and the target's dev set is passed once. That is defined
where the head says what the target asks: both tasks are of one kind whose heads name labels, and every label of the
target is one of the source's, by its name. Of the source's outputs those of the target's labels are kept, in the
target's order, so that the largest of them is the answer.

What of the sweep's hyper-parameters does not bear on one pass is no part of the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.requirements import Requirement, SourcePrompts
from panda_ray.methods.trains import NOTHING, Trains
from panda_ray.tasks.task import SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member


class SourceModel(Method):
    """The source's prompt and head, evaluated on the target."""

    name = "source_model"
    summary = "no training: the source's prompt and head answer, where the target's labels are among the source's"
    sources = "one"

    def takes(self, source: TaskSpec, target: TaskSpec) -> bool:
        of_one_kind = type(source.kind) is type(target.kind) and source.kind.head_names_labels
        return of_one_kind and bool(target.labels) and set(target.labels) <= set(source.labels)

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        return (SourcePrompts(),)

    def trains(self, options: Mapping[str, Any]) -> Trains:
        return NOTHING

    def config(self, config: TrainConfig, size_class: SizeClass, options: MethodOptions) -> TrainConfig:
        return TrainConfig(
            lr=0.0,
            batch_size=1,
            epochs=0,
            prompt_len=config.prompt_len,
            max_len=config.max_len,
            position_offset=config.position_offset,
            protocol=config.protocol,
            precision=config.precision,
        )

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.training.trainables.prefix import prompt_part

        (prompt,), (labels,) = inputs.source_prompts, inputs.source_labels
        outputs = [labels.index(label) for label in inputs.target_labels]
        kept = replace(prompt, head_weight_CD=prompt.head_weight_CD[outputs], head_bias_C=prompt.head_bias_C[outputs])
        return Member(inputs.name, inputs.seed, inputs.config.lr, prompt_part(kept), keeps_head=True)
