"""What MLflow is told of a unit whose training was stopped early. It has no record: the store keeps nothing of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from panda_ray.execution.events import Outcome
from panda_ray.execution.store.store import Record
from panda_ray.execution.units.unit import Unit
from panda_ray.sweep.named_tasks import Tasks, task_of
from panda_ray.tracking.runs import STOPPED


def stopped_record(unit: Unit, outcome: Outcome, tasks: Tasks) -> Record:
    """The fields of a record that a unit has which stopped just now; no score is among them, and no file.

    Args:
        tasks: of its sweep.
    """
    assert unit.config is not None, "a training has hyper-parameters"
    return {
        "key": unit.key,
        "product": unit.product,
        "identity": unit.identity,
        "backbone": unit.backbone.name,
        "seed": unit.seed,
        "sources": list(unit.sources),
        "target": unit.task,
        "measure": task_of(unit.task, tasks).measure,
        "protocol": unit.config.protocol,
        "history": [asdict(epoch) for epoch in outcome.history],
        "seconds": outcome.seconds,
        "finished_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "files": {},
        STOPPED: len(outcome.history),
    }
