"""What one stack occupies, and the kinds of worker of a cluster that has several; hardware never enters a key."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from panda_ray.sweep.section import Section
from panda_ray.sweep.unique_items import unique

# Far above anything that was ever useful, and far below what overflows or never ends.
_MOST_MEMBERS = 100_000
_MOST_DEVICES = 100_000

CPU_WORKER = "cpu"
"""Workers without an accelerator."""


def _positive_or_auto(value: Any) -> Any:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST_MEMBERS):
        return value
    said = {"value": repr(value), "most": _MOST_MEMBERS}
    raise PydanticCustomError(
        "positive_or_auto", "must be a positive whole number up to {most} or 'auto', not {value}", said
    )


class WorkerSection(Section):
    """One kind of worker of a mixed cluster."""

    accelerator: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$", max_length=63)
    """As Ray labels the accelerator of its nodes (ray.io/accelerator-type: A100, H100, L4); `cpu`: nodes without."""
    cpus_per_stack: float | None = Field(default=None, gt=0, le=_MOST_DEVICES)
    """Instead of that of `resources`."""
    gpus_per_stack: float | None = Field(default=None, ge=0, le=_MOST_DEVICES)
    """1 unless given, and 0 on `cpu`."""
    gpu_memory_gib: float | None = Field(default=None, gt=0, le=_MOST_DEVICES)
    """Memory of one GPU in GiB: stacks that are expected to take more go to other kinds. Where each kind with GPUs has
    one, stacks are cut to fit into the largest."""
    speed: float | None = Field(default=None, gt=0, le=1e6)
    """How many times as fast as the first kind it is; counts until stacks have been measured on it."""
    hour: float | None = Field(default=None, ge=0)
    """Price of one of its GPUs (of one core on `cpu`) for an hour, instead of that of `prices`."""

    @property
    def gpus(self) -> float:
        """Of one stack."""
        if self.gpus_per_stack is None:
            return 0.0 if self.accelerator == CPU_WORKER else 1.0
        return self.gpus_per_stack

    @model_validator(mode="after")
    def _cpu_has_no_gpu(self) -> Self:
        if self.accelerator == CPU_WORKER and self.gpus_per_stack:
            raise PydanticCustomError("cpu_kind", "the accelerator 'cpu' has no GPUs; leave gpus_per_stack out", {})
        return self


class ResourceSection(Section):
    """What one stack occupies; hardware never enters a key."""

    cpus_per_stack: float = Field(default=1, gt=0, le=_MOST_DEVICES)
    gpus_per_stack: float = Field(default=0, ge=0, le=_MOST_DEVICES)
    """May be a fraction: 0.25 lets four stacks share a GPU. With 2 or more the layers of a backbone are spread over so
    many, for one that a single GPU does not hold."""
    max_stack: Annotated[
        Annotated[int, Field(gt=0, le=_MOST_MEMBERS)] | Literal["auto"], BeforeValidator(_positive_or_auto)
    ] = "auto"
    """Members per stack at the most."""
    max_workers: int = Field(default=1, gt=0, le=_MOST_DEVICES)
    """Processes that one training may be spread over, each with cpus_per_stack and gpus_per_stack."""
    checkpoint_seconds: float = Field(default=60, gt=0)
    """A running stack saves its state at each epoch's end, but not more often than this."""
    gpu_memory_gib: float | None = Field(default=None, gt=0, le=_MOST_DEVICES)
    """Memory of one GPU in GiB, this machine's smallest unless given: stacks are cut to what is expected to fit, and
    what does not fit alone is refused."""
    activation_checkpointing: bool = False
    """Keep of each layer its input alone and compute the layer once more for its gradients: the same numbers in less
    memory, with about a third more time."""
    workers: Annotated[list[WorkerSection], unique("accelerator", lambda worker: worker.accelerator)] = Field(
        default_factory=list
    )
    """Kinds of worker of a mixed cluster, instead of gpus_per_stack: each stack goes to the kind on which it ends first
    by measured speeds. Stacks start as they were packed, on one worker each."""

    @model_validator(mode="after")
    def _kinds_say_all(self) -> Self:
        if not self.workers:
            return self
        if self.workers[0].speed is not None:
            raise PydanticCustomError(
                "first_kind", "the speed of the first of `workers` is 1, by which the others are told; leave it out", {}
            )
        if self.gpus_per_stack or self.gpu_memory_gib is not None:
            raise PydanticCustomError(
                "told_twice", "gpus_per_stack and gpu_memory_gib are said by each of `workers`; leave them out here", {}
            )
        if self.max_workers > 1:
            raise PydanticCustomError(
                "spread_kinds", "max_workers spreads a training over workers of one kind; leave it or `workers` out", {}
            )
        return self

    @property
    def kinds(self) -> list[str]:
        """Names of the kinds of worker; none where all are alike."""
        return [worker.accelerator for worker in self.workers]

    def on(self, accelerator: str | None) -> ResourceSection:
        """What a stack occupies on a kind of worker, said as if there were no other; None: all workers are alike."""
        if accelerator is None:
            return self
        worker = self.workers[self.kinds.index(accelerator)]
        changed = {
            "workers": [],
            "cpus_per_stack": worker.cpus_per_stack or self.cpus_per_stack,
            "gpus_per_stack": worker.gpus,
            "gpu_memory_gib": worker.gpu_memory_gib,
        }
        return self.model_copy(update=changed)
