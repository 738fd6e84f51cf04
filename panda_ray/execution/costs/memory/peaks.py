"""What finished stacks took of a GPU's memory, read from their records: arithmetic about others is held to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panda_ray.execution.costs.workload import TaskSize
from panda_ray.methods import get_method
from panda_ray.methods.trains import Trains
from panda_ray.training.config import TrainConfig


@dataclass(frozen=True)
class Peak:
    """The memory of one stack, in a process of its own.

    Attributes:
        members, teachers: that it held.
        measured: bytes at the most.
    """

    backbone: str
    task: str
    trains: Trains
    size: TaskSize
    config: TrainConfig
    activation_checkpointing: bool
    members: int
    teachers: int
    measured: int


def peak_of(record: Mapping[str, Any], size: TaskSize) -> Peak | None:
    """What a training's record says; None of one that shared its step with other workers, or its layers with GPUs.

    Raises:
        KeyError: it does not say all of it.
    """
    if record["workers"] > 1 or record["backbone_devices"] > 1:
        return None
    method, identity = get_method(record["method"]), record["identity"]
    return Peak(
        backbone=record["backbone"],
        task=identity["data"]["task"],
        trains=method.trains(identity["options"]),
        size=size,
        config=TrainConfig(**identity["config"]),
        activation_checkpointing=record["activation_checkpointing"],
        members=record["stack_width"],
        teachers=record["stack_width"] * method.teacher_passes(len(identity["sources"])),
        measured=record["peak_memory_bytes"],
    )
