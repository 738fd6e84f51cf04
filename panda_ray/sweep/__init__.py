"""The schema of a sweep file: which cells must exist, where results live, and what each training may use.

One place holds every default. What a field accepts is said here and in the JSON schema made from it; names of tasks,
methods, metrics and backbones are checked by `sweep_file`, which knows the line they stand on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from panda_ray.sweep.hyperparameters import TaskSection, TrainingSection, Tuned, TunedTraining
from panda_ray.sweep.resources import ResourceSection as ResourceSection
from panda_ray.sweep.search_section import SearchSection
from panda_ray.sweep.section import NamedSection, Section
from panda_ray.sweep.source_choice import MetricReference, SourceChoice
from panda_ray.sweep.unique_items import unique
from panda_ray.training.config import Protocol

_MOST_SEED = 2**63 - 1
"""What tracking's integers hold."""


def _name_or_names(value: Any) -> Any:
    """One task, or a list of several; anything else is told here, because the branches of a union tell it twice."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(name, str) for name in value):
        said = {"value": repr(value)}
        raise PydanticCustomError("source", "must be a task or a list of at least two tasks, not {value}", said)
    for index, name in enumerate(value):
        if name in value[:index]:
            twice = {"name": repr(name), "at": index}
            raise PydanticCustomError("duplicate", "the task {name} is twice in one list of sources", twice)
    return value


def sources_text(sources: Sequence[str]) -> str:
    """Sources for people and tables: `mnli`, `mnli+qnli`, or nothing without transfer."""
    return "+".join(sources)


def sources_in(text: str) -> tuple[str, ...]:
    """The inverse of `sources_text`: no name of a task has its sign."""
    return tuple(text.split("+")) if text else ()


def _entry(source: str | list[str]) -> str:
    return source if isinstance(source, str) else sources_text(source)


def _title(section: MethodSection | MetricSection) -> str:
    return section.title


class BackboneSection(NamedSection):
    """A frozen model: a name from `panda-ray backbones`, or any name with the path of a local model folder."""

    short_key: ClassVar[str] = "name"

    name: str = Field(min_length=1)
    path: str | None = None
    """Folder with config.json, model.safetensors and the tokenizer; relative to the working directory."""


class MethodSection(NamedSection):
    """One method of the grid. Two entries may use the same method with other options, under two labels."""

    short_key: ClassVar[str] = "method"

    method: str
    """A name from `panda-ray methods`."""
    label: str | None = Field(default=None, min_length=1)
    """Name in tables and charts; the method's name unless given."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The method's own options."""
    training: TunedTraining = Field(default_factory=TunedTraining)
    """What trainings of this entry do otherwise than `training` and `tasks` say. Source prompts are trained as the
    entry that is called `prompt_tuning`, whatever the other labels."""
    sources: SourceChoice | None = None
    """Train on the few sources of each target that a metric ranks highest, instead of all: `{top: 3, by: logme}`. A
    method with one source has a cell for each of them, one with several has one cell with all of them."""

    @property
    def title(self) -> str:
        return self.label or self.method


class MetricSection(MetricReference):
    """One transferability metric, with its options."""

    label: str | None = Field(default=None, min_length=1)
    """Name in tables and charts; the metric's name unless given."""

    @property
    def title(self) -> str:
        return self.label or self.metric


class PriceSection(Section):
    """What computing costs, for estimates; prices never enter a key."""

    currency: str = Field(default="USD", min_length=1)
    gpu_hour: float | None = Field(default=None, ge=0)
    """One GPU for an hour, with the CPUs and the memory beside it."""
    cpu_hour: float | None = Field(default=None, ge=0)
    """One CPU core for an hour, where stacks run without a GPU."""


class TrackingSection(Section):
    """What MLflow gets besides; it never enters a key."""

    models: bool = False
    """Each kept prompt as a logged model, with the prompts that it was made from as inputs of its run."""
    system_metrics: bool = False
    """A run per stack with what its machine did meanwhile: CPU, memory, and the GPUs of the stack, every 10 seconds."""


class Sweep(Section):
    """One sweep file: the cells that must exist, and everything that bears on their results."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=120)
    """Name of the study; also of its MLflow experiment."""
    storage: str = Field(min_length=1)
    """Folder or fsspec URL (s3://, gs://, ...) of the store."""
    tracking_uri: str | None = None
    """MLflow server or database; a local SQLite file beside a local store unless given."""
    data_root: str | None = None
    """Folder, or URL of one (s3://, gs://), with <task>/{train,validation}.parquet, instead of the Hub."""
    prompts: str | None = Field(default=None, min_length=1)
    """Folder or URL of a store of trained prompts (`panda-ray prompts`): what has the same key there is taken and not
    trained. `builtin` are the source prompts of the built-in suite, which come with the package."""
    backbones: Annotated[list[BackboneSection], Field(min_length=1), unique("backbone", lambda section: section.name)]
    """Names from `panda-ray backbones`, or sections with the path of a local model folder."""
    sources: Annotated[
        list[Annotated[str | list[str], BeforeValidator(_name_or_names)]],
        Field(min_length=1),
        unique("source", _entry),
    ]
    """Names from `panda-ray tasks`, or the name of a suite. An item may be a list of several names: methods that take
    one source use the single names, methods that take several use the lists. A list that no listed method takes, and a
    method that finds nothing to take, is an error."""
    targets: Annotated[list[str], Field(min_length=1), unique("target")]
    """Names from `panda-ray tasks`, or the name of a suite."""
    methods: Annotated[list[MethodSection], Field(min_length=1), unique("method label", _title)]
    """Names from `panda-ray methods`, or sections with options."""
    metrics: Annotated[list[MetricSection], unique("metric label", _title)] = Field(default_factory=list)
    """Names from `panda-ray metrics`, or sections with options."""
    seeds: Annotated[list[Annotated[int, Field(ge=0, le=_MOST_SEED)]], Field(min_length=1), unique("seed")] = Field(
        default_factory=lambda: [11]
    )
    self_pairs: Literal["run", "skip"] = "run"
    """Whether a task is also transferred to itself, alone or as one of several sources."""
    protocol: Protocol = "paper"
    """`paper`: the best epoch on the whole dev set. `honest`: one half selects, the other is reported."""
    training: TrainingSection = Field(default_factory=TrainingSection)
    tasks: dict[str, TaskSection] = Field(default_factory=dict)
    """Per task, what differs from `training`; a name of your own with `data` makes a task of your own files."""
    hyperparameters: Tuned | None = None
    """Path of a tuned file, relative to the working directory, or what it holds: values for single cells, used where
    this file says nothing."""
    search: SearchSection | None = None
    """Search hyper-parameters instead of running the grid: one study per backbone, method, sources and target."""
    resources: ResourceSection = Field(default_factory=ResourceSection)
    prices: PriceSection = Field(default_factory=PriceSection)
    tracking: TrackingSection = Field(default_factory=TrackingSection)

    def as_written(self) -> dict[str, Any]:
        """JSON data that means the same everywhere: every value, but none of those that were left to a tuned file."""
        tuned = self.hyperparameters
        if tuned is None:
            return self.model_dump(mode="json")
        unsaid = set(TunedTraining.model_fields) - self.training.model_fields_set
        written = self.model_dump(mode="json", exclude={"training": unsaid, "hyperparameters": True})
        return {**written, "hyperparameters": tuned.model_dump(mode="json", exclude_unset=True)}

    @property
    def single_sources(self) -> list[str]:
        """What methods with one source take."""
        return [entry for entry in self.sources if isinstance(entry, str)]

    @property
    def source_lists(self) -> list[tuple[str, ...]]:
        """What methods with several sources take."""
        return [tuple(entry) for entry in self.sources if not isinstance(entry, str)]

    @property
    def source_tasks(self) -> list[str]:
        """Every task whose prompt is transferred, alone or among others."""
        listed = ([entry] if isinstance(entry, str) else entry for entry in self.sources)
        return list(dict.fromkeys(task for entry in listed for task in entry))
