"""What the memory of a stack depends on: the footprint under which the store remembers which widths did not fit."""

from __future__ import annotations

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.memory_limits import Footprint, Placement
from panda_ray.execution.units.unit import Unit
from panda_ray.methods import get_method
from panda_ray.methods.trains import Trains
from panda_ray.sweep import ResourceSection
from panda_ray.training.config import TrainConfig


def trains_of(unit: Unit) -> Trains:
    """What a training trains below its head."""
    return get_method(unit.method).trains(unit.options)


def placement_of(resources: ResourceSection) -> Placement:
    """What a sweep's resources do about the memory of a stack."""
    return Placement(max(1, int(resources.gpus_per_stack)), resources.activation_checkpointing)


def footprint_of(stack: Stack) -> Footprint | None:
    """The footprint of a stack; None for embeddings, which are computed one by one."""
    first = stack.members[0]
    return None if first.config is None else footprint_of_training(first, first.config, stack.workers)


def footprint_of_training(unit: Unit, config: TrainConfig, workers: int = 1) -> Footprint:
    """The footprint of the stacks that a training may be in."""
    return Footprint(
        backbone=unit.backbone.name,
        identity=unit.backbone.identity,
        task=unit.task,
        trained=trains_of(unit).name,
        batch_size=config.batch_size,
        prompt_len=config.prompt_len,
        max_len=config.max_len,
        precision=config.precision,
        workers=workers,
    )
