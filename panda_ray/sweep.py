"""The schema of a sweep file: which cells must exist, where results live, and what each training may use.

One place holds every default. What a field accepts is said here and in the JSON schema made from it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from panda_ray.training.config import Initialization, Precision, Protocol, Schedule


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BackboneSection(_Section):
    """A frozen model: a name from `panda-ray backbones`, or any name with the path of a local model folder."""

    name: str
    path: str | None = None
    """Folder with config.json, model.safetensors and the tokenizer; relative to the working directory."""


class MethodSection(_Section):
    """One method of the grid. Two entries may use the same method with other options, under two labels."""

    method: str
    label: str | None = None
    """Name in tables and charts; the method's name unless given."""
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.label or self.method


class MetricSection(_Section):
    """One transferability metric, with its options."""

    metric: str
    label: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.label or self.metric


class TrainingSection(_Section):
    """Hyper-parameters for every task. `None` means: the task's own value from Table I (or its kind's default)."""

    lr: float | None = Field(default=None, gt=0)
    batch_size: PositiveInt | None = None
    epochs: PositiveInt | None = None
    schedule: Schedule | None = None
    prompt_len: int = Field(default=20, ge=0)
    max_len: int = Field(default=128, ge=8)
    initialization: Initialization = "normal"
    initialization_scale: float = Field(default=1.0, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    grad_clip: float = Field(default=1.0, gt=0)
    position_offset: bool = True
    precision: Precision = "fp32"


class TaskSection(_Section):
    """What one task does differently from `training`, and how many of its rows are used."""

    lr: float | None = Field(default=None, gt=0)
    batch_size: PositiveInt | None = None
    epochs: PositiveInt | None = None
    schedule: Schedule | None = None
    max_train_rows: PositiveInt | None = None
    max_dev_rows: PositiveInt | None = None


class ResourceSection(_Section):
    """What one stack occupies; hardware never enters a key."""

    cpus_per_stack: float = Field(default=1, gt=0)
    gpus_per_stack: float = Field(default=0, ge=0)
    max_stack: PositiveInt | Literal["auto"] = "auto"
    """Members per stack at the most."""
    checkpoint_seconds: float = Field(default=60, gt=0)
    """A running stack saves its state at each epoch's end, but not more often than this."""


class Sweep(_Section):
    """One sweep file."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    storage: str
    """Folder or fsspec URL (s3://, gs://, ...) of the store."""
    tracking_uri: str | None = None
    """MLflow server or database; a local SQLite file beside a local store unless given."""
    data_root: str | None = None
    """Folder with <task>/{train,validation}.parquet, instead of the Hub."""
    backbones: list[BackboneSection] = Field(min_length=1)
    sources: list[str] = Field(min_length=1)
    targets: list[str] = Field(min_length=1)
    methods: list[MethodSection] = Field(min_length=1)
    metrics: list[MetricSection] = Field(default_factory=list)
    seeds: list[int] = Field(default_factory=lambda: [11], min_length=1)
    self_pairs: Literal["run", "skip"] = "run"
    protocol: Protocol = "paper"
    training: TrainingSection = Field(default_factory=TrainingSection)
    tasks: dict[str, TaskSection] = Field(default_factory=dict)
    resources: ResourceSection = Field(default_factory=ResourceSection)
