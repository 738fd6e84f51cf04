"""What a unit is to its sweep, as its run in MLflow says."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Record
from panda_ray.search.trials import Address


@dataclass(frozen=True)
class UnitLabels:
    """Role, the label of a unit's method or metric, and the study of a search that tried it."""

    role: str
    label: str
    study: str | None = None


def labels_of(plan: Plan, record: Record) -> UnitLabels:
    """The labels of a unit of a plan."""
    role, label = plan.role_of[record["key"]], plan.label_of[record["key"]]
    if plan.sweep.search is None or role not in ("trial", "cell"):
        return UnitLabels(role, label)
    study = Address(record["backbone"], label, tuple(record["sources"]), record["target"])
    return UnitLabels(role, label, study.title)
