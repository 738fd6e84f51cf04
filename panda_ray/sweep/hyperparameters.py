"""What people may say of hyper-parameters: for every task, for one task, and for one cell as a search chose them.

A tuned file holds the last. Its values rank below what a sweep file says and above what a task or a method has of its
own; they enter keys, and nothing else of the file does.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from panda_ray.sweep.section import Section
from panda_ray.sweep.task_data import TaskData
from panda_ray.sweep.unique_items import unique
from panda_ray.tasks.task import Schedule
from panda_ray.training.config import Precision, Protocol

Initialization = Literal["normal", "standard_normal", "uniform", "sparse", "zeros", "ones"]
SCALED_INITIALIZATIONS = ("normal", "uniform", "sparse")
"""Those that `initialization_scale` changes."""

# Far above anything that was ever useful, and far below what overflows or never ends.
_MOST_SCALE = 1e6
_MOST_FLOAT32 = 1e38
_MOST_EXAMPLES = 1_000_000
_MOST_EPOCHS = 100_000

_Rate = Annotated[float, Field(gt=0, le=_MOST_FLOAT32)]
_Examples = Annotated[int, Field(gt=0, le=_MOST_EXAMPLES)]
_Epochs = Annotated[int, Field(gt=0, le=_MOST_EPOCHS)]
_Scale = Annotated[float, Field(gt=0, le=_MOST_SCALE)]
_Dropout = Annotated[float, Field(ge=0, lt=1)]
_Decay = Annotated[float, Field(ge=0, le=1)]


def _check_scale(training: TrainingSection | TunedTraining) -> None:
    initialization = training.initialization
    unscaled = initialization is not None and initialization not in SCALED_INITIALIZATIONS
    if training.initialization_scale is not None and unscaled:
        said = {"name": repr(initialization), "at": "initialization_scale"}
        raise PydanticCustomError("no_effect", "has no effect with the initialization {name}", said)


class TrainingSection(Section):
    """Hyper-parameters for every task. `None` means: the task's own value from Table I (or its kind's default)."""

    lr: _Rate | None = None
    """Learning rate of AdamW at the start of the schedule."""
    batch_size: _Examples | None = None
    """Examples per step."""
    epochs: _Epochs | None = None
    schedule: Schedule | None = None
    """`linear` to 0 over the training, or `exponential`: times 0.95 after each epoch."""
    prompt_len: int = Field(default=20, ge=1)
    """Virtual tokens, the same for every task so that prompts are interchangeable."""
    max_len: int = Field(default=128, ge=8)
    """Tokens per row at the most, special tokens included, virtual tokens not."""
    initialization: Initialization = "normal"
    """How a prompt starts that is not transferred. `standard_normal` is N(0, 1), what PEFT draws."""
    initialization_scale: _Scale | None = None
    """Standard deviation (normal, sparse) or half width (uniform); unless given 0.02, 0.01 and 0.035."""
    dropout: _Dropout = 0.1
    """On the prefix, inside the backbone and before the head."""
    weight_decay: _Decay = 0.0
    grad_clip: _Rate = 1.0
    """Largest L2 norm of one member's gradient."""
    position_offset: bool = True
    """Token positions start at the prompt length, otherwise at 0."""
    precision: Precision = "fp32"

    @model_validator(mode="after")
    def _scale_has_an_effect(self) -> TrainingSection:
        _check_scale(self)
        return self


class TaskSection(TaskData):
    """What one task does differently from `training`, how many of its rows are used, and where rows of your own are."""

    lr: _Rate | None = None
    batch_size: _Examples | None = None
    epochs: _Epochs | None = None
    schedule: Schedule | None = None
    max_train_rows: PositiveInt | None = None
    """Train on a fixed random sample of so many rows."""
    max_dev_rows: PositiveInt | None = None
    """Evaluate on a fixed random sample of so many rows."""
    imported: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] | None = None
    """Per backbone, the sha256 of a prompt of this task that was trained elsewhere (`panda-ray prompts import`): others
    start from it instead of from one that is trained. It comes from the store that `prompts` names."""


class TunedTraining(Section):
    """Hyper-parameters that one cell may have of its own; what is left out comes from elsewhere.

    The keys of `training` that must be the same for all prompts of a sweep are not among them.
    """

    lr: _Rate | None = None
    batch_size: _Examples | None = None
    epochs: _Epochs | None = None
    schedule: Schedule | None = None
    initialization: Initialization | None = None
    initialization_scale: _Scale | None = None
    dropout: _Dropout | None = None
    weight_decay: _Decay | None = None
    grad_clip: _Rate | None = None

    @model_validator(mode="after")
    def _scale_has_an_effect(self) -> TunedTraining:
        _check_scale(self)
        return self


class Measured(Section):
    """What speaks for a choice; nothing of it changes a result."""

    search: str | None = None
    """Name of the sweep that searched."""
    protocol: Protocol | None = None
    """What the points were compared by: under `paper` the set that a report shows, under `honest` one half of it."""
    score: float | None = None
    """Of the chosen point on the set that did not choose it, where there is one: the mean over the seeds."""
    sd: Annotated[float, Field(ge=0)] | None = None
    """Sample standard deviation of the score over the seeds."""
    seeds: PositiveInt | None = None
    trials: PositiveInt | None = None
    """Points that it was chosen from."""


class Chosen(Section):
    """The hyper-parameters of one cell: of a backbone, a method and a task, from some sources or from any."""

    backbone: str = Field(min_length=1)
    method: str
    """A name from `panda-ray methods`."""
    label: str | None = Field(default=None, min_length=1)
    """The label under which a sweep lists the method; its name unless given."""
    sources: Annotated[list[str], Field(min_length=1), unique("source")] | None = None
    """The donor tasks, in their order; unless given, whatever they are."""
    task: str
    """The task that is trained on."""
    training: TunedTraining = Field(default_factory=TunedTraining)
    options: dict[str, Any] = Field(default_factory=dict)
    """The method's own options."""
    measured: Measured | None = None

    @property
    def title(self) -> str:
        return self.label or self.method

    @property
    def cell(self) -> str:
        """What it is for, for people."""
        transfer = f"{'+'.join(self.sources)} -> {self.task}" if self.sources else self.task
        return f"{self.title} {transfer} on {self.backbone}"


class Tuned(Section):
    """A tuned file: the hyper-parameters that were chosen, cell by cell."""

    format: Literal[1]
    chosen: Annotated[list[Chosen], unique("choice for", lambda chosen: chosen.cell)]

    def of(self, method: str, title: str) -> list[Chosen]:
        """Those for the cells of a method that a sweep lists under a title."""
        return self._by_method.get((method, title), [])

    @cached_property
    def _by_method(self) -> dict[tuple[str, str], list[Chosen]]:
        found: dict[tuple[str, str], list[Chosen]] = {}
        for chosen in self.chosen:
            found.setdefault((chosen.method, chosen.title), []).append(chosen)
        return found
