"""Hand-made records of a device whose speed is known exactly: what estimates are held against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from panda_ray.backbones import backbone_sizes
from panda_ray.execution.costs.operations import backward_operations, forward_operations
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.units.unit import Unit
from panda_ray.sweep import Sweep

GPU = "NVIDIA A100"
OVERHEAD, RATE, START = 1e-3, 5e12, 7.0
"""The device of the records: seconds per layer and step, operations per second, seconds around a training."""
TRAIN, DEV, TOKENS = 160, 40, 12.0
"""What the records say of every task: 160 rows are 10 steps of 16."""


def timed_sweep(folder: Path, **changes: Any) -> Sweep:
    described = {
        "name": "tiny",
        "storage": str(folder),
        "backbones": ["builtin-tiny", "bert-base"],
        "sources": ["review", "rating"],
        "targets": ["remark"],
        "methods": ["prompt_tuning", "pot", "panda"],
        "metrics": ["task_embedding"],
        "seeds": [1],
        "training": {"epochs": 2, "batch_size": 16},
    }
    return Sweep.model_validate(described | changes)


def unit_of(plan: Plan, backbone: str, method: str, task: str) -> Unit:
    return next(
        unit
        for unit in plan.units.values()
        if (unit.backbone.name, unit.method, unit.task, unit.product) == (backbone, method, task, "prompt")
    )


def row_operations(unit: Unit) -> tuple[float, float]:
    """Operations of one row, forward and backward."""
    assert unit.config is not None
    sizes = backbone_sizes(unit.backbone.name)
    shape = (sizes, TOKENS, unit.config.prompt_len, False)
    return forward_operations(*shape), backward_operations(*shape)


def loop_seconds(unit: Unit, width: int, workers: int = 1, efficiency: float = 1.0) -> float:
    """What the training loop of a stack takes on the device: two epochs, each with an evaluation."""
    forward, backward = row_operations(unit)
    operations = 2 * width * (TRAIN * (forward + backward) + DEV * forward)
    share = workers * (efficiency if workers > 1 else 1.0)
    return OVERHEAD * backbone_sizes(unit.backbone.name).layers * 20 + operations / RATE / share


def record(unit: Unit, width: int, workers: int = 1, efficiency: float = 1.0, **changes: Any) -> dict[str, Any]:
    seconds = loop_seconds(unit, width, workers, efficiency)
    return {
        "key": unit.key,
        "product": "prompt",
        "identity": unit.identity,
        "method": unit.method,
        "backbone": unit.backbone.name,
        "device": GPU,
        "threads": 8,
        "stack": f"{unit.backbone.name} {unit.task} {width} {workers}",
        "stack_width": width,
        "workers": workers,
        "seconds": (seconds + START) / width,
        "training_seconds": seconds / width,
        "examples_per_second": 2 * TRAIN * width / seconds,
        "train_examples": TRAIN,
        "dev_examples": DEV,
        "rows_per_example": 1,
        "tokens_per_example": TOKENS,
        **changes,
    }
