"""How much work units are, in examples, and how long it will take at the speed that was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from panda_ray.execution.plan import Plan

_SIGNATURE_EXAMPLES = 100
"""A signature passes about so many examples, once."""


def work_of(plan: Plan, key: str) -> float:
    """Examples that a unit passes through the backbone."""
    unit = plan.units[key]
    if unit.config is None:
        return _SIGNATURE_EXAMPLES
    return _examples(plan.train_rows[unit.task], asdict(unit.config))


def measured_speed(plan: Plan, records: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Examples per second of a stack, by backbone, over the stored trainings on the plan's tasks."""
    examples: dict[str, float] = defaultdict(float)
    seconds: dict[str, float] = defaultdict(float)
    for record in records:
        identity = record["identity"]
        rows = plan.train_rows.get(identity["data"]["task"])
        if record["kind"] == "train" and rows is not None:
            name = identity["backbone"]["name"]
            examples[name] += _examples(rows, identity["config"])
            seconds[name] += record["seconds"]
    return {name: examples[name] / seconds[name] for name in examples if seconds[name] > 0}


def estimated_seconds(plan: Plan, records: Iterable[Mapping[str, Any]]) -> float | None:
    """Seconds that what is left takes, all stacks one after the other; None where no speed is known for a backbone."""
    speed = measured_speed(plan, records)
    names = {key: unit.backbone.name for key, unit in plan.units.items() if key not in plan.done}
    if not set(names.values()) <= set(speed):
        return None
    return sum(work_of(plan, key) / speed[name] for key, name in names.items())


def _examples(rows: int, config: Mapping[str, Any]) -> float:
    examples: int = rows * config["epochs"]
    steps = config["max_steps"]
    return examples if steps is None else min(examples, steps * config["batch_size"])


def duration(seconds: float) -> str:
    """Seconds for people: `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
