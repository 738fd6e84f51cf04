"""What finished stacks say about speed: one sample per stack, from the records of its units.

The rate comes from `examples_per_second`, which counts from the start (or the continuation) of a training and holds
its evaluations, so that a training that was interrupted gives a sample like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from panda_ray.backbones import Sizes
from panda_ray.execution.costs.memory.peaks import Peak, peak_of
from panda_ray.execution.costs.workload import TaskSize, Work, loop_operations, training_examples
from panda_ray.methods import get_method
from panda_ray.sweep import Sweep
from panda_ray.training.config import TrainConfig
from panda_ray.training.steps import Steps

CPU = "cpu"
UNKNOWN_GPU = "GPU"
"""What estimates call a GPU while nothing was measured on one."""


@dataclass(frozen=True)
class Device:
    """What a speed is measured on.

    Attributes:
        name: of a GPU, or `cpu`.
        threads: of one stack; 0 for a GPU, where they do not matter.
    """

    name: str
    threads: int
    precision: str

    @property
    def is_gpu(self) -> bool:
        return self.name != CPU

    def __str__(self) -> str:
        if self.is_gpu:
            return f"{self.name} ({self.precision})"
        return f"CPU with {self.threads} thread{'s' if self.threads > 1 else ''} ({self.precision})"


@dataclass(frozen=True)
class Sample:
    """One finished stack.

    Attributes:
        work: of its training loop, with its evaluations and without its teachers' passes.
        seconds: that this work took.
        start: seconds of the stack outside of its training; None where they were not recorded.
    """

    backbone: str
    task: str
    device: Device
    workers: int
    work: Work
    seconds: float
    start: float | None


@dataclass(frozen=True)
class EmbeddingSample:
    """Seconds of one embedding, with its share of what was loaded for it."""

    backbone: str
    task: str
    metric: str
    device: Device
    seconds: float


class Samples:
    """Samples of the records that are added, one by one: a store may hold more of them than fit into memory.

    Args:
        sizes_of: of the backbones that are known, by name; others give no sample.
        precision: that embeddings count for; they are computed in that of the weights, whatever trainings use.

    Attributes:
        embeddings: one for each embedding.
    """

    def __init__(self, sizes_of: Mapping[str, Sizes], precision: str) -> None:
        self._sizes_of, self._precision = sizes_of, precision
        self._stacks: dict[tuple[Any, ...], Sample] = {}
        self._peaks: dict[tuple[Any, ...], Peak] = {}
        self.embeddings: list[EmbeddingSample] = []

    @property
    def trainings(self) -> list[Sample]:
        """One for each stack."""
        return list(self._stacks.values())

    @property
    def peaks(self) -> list[Peak]:
        """One for each stack on a GPU."""
        return list(self._peaks.values())

    def add(self, record: Mapping[str, Any], size: TaskSize | None) -> None:
        """Take a finished unit; one that says nothing of speed is left out.

        Args:
            size: how much the unit's task is; None where that is not known.
        """
        with suppress(KeyError, TypeError, ValueError, ArithmeticError):  # a record may have been made by anybody
            self._add(record, size)
        with suppress(KeyError, TypeError, ValueError, ArithmeticError):
            self._add_peak(record, size)

    def _add(self, record: Mapping[str, Any], size: TaskSize | None) -> None:
        if record["product"] == "embedding":
            device = _device(record, self._precision)
            sample = EmbeddingSample(record["backbone"], record["task"], record["method"], device, record["seconds"])
            self.embeddings.append(sample)
        elif record["examples_per_second"] and size is not None and record["backbone"] in self._sizes_of:
            device = _device(record, record["identity"]["config"]["precision"])
            address = (record["stack"], record["stack_width"], record["examples_per_second"], device)
            if address not in self._stacks:
                self._stacks[address] = _sample(record, self._sizes_of[record["backbone"]], size, device)

    def _add_peak(self, record: Mapping[str, Any], size: TaskSize | None) -> None:
        address = record["stack"], record["stack_width"], record["peak_memory_bytes"]
        if record["device"] == CPU or size is None or address in self._peaks:
            return
        if (peak := peak_of(record, size)) is not None:
            self._peaks[address] = peak


def device_of(sweep: Sweep, samples: Sequence[Sample]) -> Device:
    """The device that estimates for a sweep are made for.

    It is the one with the most stacks of the sweep's backbones, or else of any, in the sweep's precision. Stacks that
    ask for a GPU are never estimated from a CPU. Of several kinds of worker it stands for the first.
    """
    precision, resources = sweep.training.precision, sweep.resources.on(next(iter(sweep.resources.kinds), None))
    needs_gpu = resources.gpus_per_stack > 0
    threads = max(1, int(resources.cpus_per_stack))
    usable = [
        sample for sample in samples if sample.device.precision == precision and (sample.device.is_gpu or not needs_gpu)
    ]
    names = {section.name for section in sweep.backbones}
    counted = Counter(sample.device for sample in usable if sample.backbone in names)
    counted = counted or Counter(sample.device for sample in usable)
    if not counted:
        return Device(UNKNOWN_GPU, 0, precision) if needs_gpu else Device(CPU, threads, precision)
    return max(counted, key=lambda device: (counted[device], device.threads == threads, str(device)))


def _sample(record: Mapping[str, Any], sizes: Sizes, size: TaskSize, device: Device) -> Sample:
    config = TrainConfig(**record["identity"]["config"])
    method, width = get_method(record["method"]), record["stack_width"]
    trains = method.trains(record["identity"]["options"])
    rows = width * method.passes_per_row(len(record["identity"]["sources"]))
    outside = record["seconds"] - record["training_seconds"] if "training_seconds" in record else None
    return Sample(
        backbone=record["backbone"],
        task=record["identity"]["data"]["task"],
        device=device,
        workers=record.get("workers", 1),
        work=Work(
            operations=rows * loop_operations(trains, sizes, size, config),
            launches=sizes.layers * Steps.of(config, size.train_examples).total,
        ),
        seconds=width * training_examples(config, size.train_examples) / record["examples_per_second"],
        start=None if outside is None else width * outside,
    )


def _device(record: Mapping[str, Any], precision: str) -> Device:
    is_cpu = record["device"] == CPU
    return Device(record["device"], record["threads"] if is_cpu else 0, precision)
