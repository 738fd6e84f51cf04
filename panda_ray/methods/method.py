"""The base of transfer methods: what one needs from other units, and how a member of a stack starts.

A method never trains by itself. It says what it depends on, which the planner turns into edges of the graph, and turns
those dependencies into a `Member` that the stacked engine trains. What it says of itself needs no torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from panda_ray.methods.requirements import Requirement
from panda_ray.methods.trains import PREFIXES, Trains
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.backbones import Geometry
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.training.trainables.trainable import Part

Sources = Literal["none", "one", "several"]


Choice = tuple[str, str]
"""An option's name and its value."""


class MethodOptions(BaseModel):
    """Base of every method's options: frozen, unknown names are errors. All that have an effect enter the key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    WITHOUT_EFFECT: ClassVar[Mapping[Choice, tuple[str, ...]]] = {}
    """Options that a choice does not read: naming one is an error, and none of them is part of a key."""

    UNSEEN_AT: ClassVar[Mapping[str, Any]] = {}
    """Options that change nothing at these values, where they are no part of a key: keys are older than the option."""

    @model_validator(mode="after")
    def _only_options_with_effect(self) -> Self:
        for (option, value), names in self._choices.items():
            for name in names:
                if name in self.model_fields_set:
                    said = {"option": option, "value": repr(value), "at": name}
                    raise PydanticCustomError("no_effect", "has no effect under the {option} {value}", said)
        return self

    @model_serializer(mode="wrap")
    def _with_effect(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        options: dict[str, Any] = serialize(self)
        unread = {name for names in self._choices.values() for name in names}
        unread |= {name for name, value in self.UNSEEN_AT.items() if getattr(self, name) == value}
        return {name: value for name, value in options.items() if name not in unread}

    @property
    def _choices(self) -> Mapping[Choice, tuple[str, ...]]:
        """Those that were made."""
        return {
            (option, value): names
            for (option, value), names in self.WITHOUT_EFFECT.items()
            if getattr(self, option) == value
        }


class Origin(NamedTuple):
    """How a prompt was before its first step: its seed's draws by an initialiser (`prompts/initialization.py`)."""

    initialization: str
    scale: float


@dataclass(frozen=True)
class Inputs:
    """A cell's dependencies, loaded; prompts of another geometry are refused (`InputError`).

    What was required is there once per source, in the order of the sources; what was not is empty.

    Attributes:
        name: of the member; no other of its stack has it.
        similarities: predicted transferability of each source to the target, in [-1, 1].
        origins: what each source prompt was before its training; None for one that was trained elsewhere.
        source_labels, target_labels: names of the labels of each source prompt's task, and of the target; empty where
            labels have none.
        trained: instead of source prompts or teachers, where these were trained as another method than prompt tuning
            trains: what they kept, tensors by name.
    """

    name: str
    seed: int
    config: TrainConfig
    geometry: Geometry
    source_prompts: tuple[Prompt, ...] = ()
    origins: tuple[Origin | None, ...] = ()
    teachers: tuple[Prompt, ...] = ()
    similarities: tuple[float, ...] = ()
    source_labels: tuple[tuple[str, ...], ...] = ()
    target_labels: tuple[str, ...] = ()
    trained: tuple[Mapping[str, Tensor], ...] = ()

    def __post_init__(self) -> None:
        for prompt in (*self.source_prompts, *self.teachers):
            prompt.check_fits(self.geometry)


class Method(ABC):
    """One transfer method: `name`, `summary` and `member` make one, and what differs from the defaults.

    The defaults are those of a method without sources and options that trains prefixes like prompt tuning.
    """

    name: str
    version: int = 1
    """Raise it when the numbers that the method gives change: it enters the key."""
    summary: str
    """One line for `panda-ray methods`."""
    sources: Sources = "none"
    """How many sources a cell has: none (one cell per target), one (one per pair) or several (one per target and list
    of sources)."""
    listed: bool = True
    """Whether a sweep may list the method; a teacher exists only as a dependency."""
    Options: type[MethodOptions] = MethodOptions

    @abstractmethod
    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        """The start of the training: what is trained, how it begins, and what it is distilled from."""

    def takes(self, source: TaskSpec, target: TaskSpec) -> bool:
        """Whether there is a cell of this source and target: of every one."""
        return True

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        """What a cell depends on: nothing."""
        return ()

    def trains(self, options: Mapping[str, Any]) -> Trains:
        """What a cell trains below its head, with options as its unit has them; asked once per unit, so it is quick."""
        return PREFIXES

    def teacher_passes(self, sources: int) -> int:
        """Forward passes over the training set that frozen teachers take at the most: for planning."""
        return 0

    def passes_per_row(self, sources: int) -> int:
        """How often each row passes through the backbone, in training and evaluation: for planning."""
        return 1

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        """Learning rate, batch size and epochs where the sweep file says nothing: the task's own, from Table I."""
        return task.hyperparameters

    def config(self, config: TrainConfig, size_class: SizeClass, options: MethodOptions) -> TrainConfig:
        """The hyper-parameters of this method's training on a task of that size: as they are given."""
        return config

    def kept_part(self, trained: Mapping[str, Tensor]) -> Part:
        """What a training has kept, as a start or a teacher of others: a prefix."""
        from panda_ray.training.trainables.prefix import Prefixes
        from panda_ray.training.trainables.trainable import Part

        return Part(Prefixes, trained)
