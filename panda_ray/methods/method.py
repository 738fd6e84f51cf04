"""The protocol of a transfer method: what it needs from other units, and how a member of a stack starts.

A method never trains by itself. It says what it depends on, which the planner turns into edges of the graph, and turns
those dependencies into a `Member` that the stacked engine trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict
from torch import Generator, Tensor

from panda_ray.backbones import Geometry
from panda_ray.metrics import MetricChoice
from panda_ray.prompts.initialization import initial_prefix
from panda_ray.prompts.prompt import Prompt
from panda_ray.seeding import generator
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member


class MethodOptions(BaseModel):
    """Base of every method's options: frozen, unknown names are errors. All of them enter the key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Needs:
    """Units that must be done before a cell of this method can start."""

    source_prompt: bool = False
    teacher: str | None = None
    """Name of the method whose training of the same pair is the teacher: `teacher` (target-like) or `pot`."""
    similarity: MetricChoice | None = None
    """Transferability metric that weighs the pair, with its options."""


@dataclass(frozen=True)
class Inputs:
    """A cell's dependencies, loaded; prompts of another geometry are refused (`InputError`).

    Attributes:
        name: how the member is called in messages.
        similarity: predicted transferability of the pair, in [-1, 1].
    """

    name: str
    seed: int
    config: TrainConfig
    geometry: Geometry
    source_prompt: Prompt | None = None
    teacher: Prompt | None = None
    similarity: float | None = None

    def __post_init__(self) -> None:
        for prompt in (self.source_prompt, self.teacher):
            if prompt is not None:
                prompt.check_fits(self.geometry)


class Method(Protocol):
    """One transfer method."""

    name: str
    version: int
    """Raise it when the numbers that the method gives change: it enters the key."""
    summary: str
    """One line for `panda-ray methods`."""
    uses_source: bool
    """Whether a cell of this method has a source (one cell per pair) or not (one cell per target)."""
    is_cell: bool
    """Whether a sweep may list the method; a teacher exists only as a dependency."""
    teacher_passes: int
    """Frozen teachers whose outputs on the training set a training needs: for planning, a forward pass each."""
    Options: type[MethodOptions]

    def needs(self, options: MethodOptions) -> Needs:
        """What a cell depends on."""
        ...

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        """Learning rate, batch size and epochs where the sweep file says nothing: the task's own, from Table I."""
        ...

    def config(self, config: TrainConfig, size_class: SizeClass) -> TrainConfig:
        """The hyper-parameters of this method's training on a task of that size."""
        ...

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        """The start of the training: initial prefix and what it is distilled from."""
        ...


def fresh_prefix(inputs: Inputs, random: Generator | None = None) -> Tensor:
    """A prefix (L, K, N, P, H) from the initialiser, by the member's own seed unless a generator is given."""
    config = inputs.config
    source = random if random is not None else generator(inputs.seed, "prefix")
    return initial_prefix(
        config.initialization, config.initialization_scale, inputs.geometry, config.prompt_len, source
    )
