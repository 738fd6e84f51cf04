"""One unit as one MLflow run, made from its record alone.

A run is created only when its unit's record exists, and ended at once, with the unit's own times: whenever the driver
dies, no run is left RUNNING but the one of that instant, and that one lacks the tag `complete` and is logged again in
place by the next driver. Logging a record twice gives the same run: parameters, metric points and files are equal.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunInfo, RunTag
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from panda_ray.execution.store.sealed import SCORES
from panda_ray.execution.store.store import Record
from panda_ray.sweep import sources_text
from panda_ray.tracking.runs import COMPLETE, KEY, LABEL, PRODUCT, ROLE, SOURCES, STOPPED, STUDY
from panda_ray.tracking.writing.unit_runs.unit_labels import UnitLabels

METRICS_PER_CALL = 800
PARAMS_PER_CALL = 100
"""MLflow takes 1,000 things in a call: these and 100 tags."""

LONGEST_NAME, LONGEST_TAG, LONGEST_PARAM, LONGEST_DIGEST = 250, 5000, 6000, 36
"""Characters that MLflow takes; longer texts are cut."""

_UNNAMEABLE = re.compile(r"[^\w.: -]")
"""Characters that MLflow does not take in the name of a parameter."""

MEASUREMENTS = ("seconds", "examples_per_second", "stack_width", "peak_memory_bytes")
CURVES = {
    "loss": "train/loss",
    "score": "dev/score",
    "score_select": "dev/score_select",
    "score_report": "dev/score_report",
}
"""Field of an epoch in the record to the name of its curve."""

Item = TypeVar("Item")


def new_unit_run(
    client: MlflowClient, record: Record, labels: UnitLabels, *, experiment_id: str, parent_id: str
) -> RunInfo:
    """An ended run of a unit that lacks everything but its tags."""
    start, _ = times_of(record)
    tags = unit_tags(record, labels, parent_id)
    run = client.create_run(experiment_id, start, tags, _name(record, labels))
    _end(client, run.info, record)
    return run.info


def known_unit_run(client: MlflowClient, record: Record, run_id: str) -> RunInfo:
    """A run that may have been cut short before it ended, ended."""
    run = client.get_run(run_id)
    _end(client, run.info, record)
    return run.info


def log_unit(
    client: MlflowClient, record: Record, files: Mapping[str, bytes], *, run: RunInfo, tags: Mapping[str, str]
) -> None:
    """Log a unit into its run, which may be new, cut short, or have old labels.

    Args:
        files: artifacts by name.
        tags: what the run may lack of `unit_tags`.
    """
    start, end = times_of(record)
    _log_files(client, run, files)
    if (dataset := _dataset(record)) is not None:
        client.log_inputs(run.run_id, [dataset])
    *many_metrics, metrics = _pieces(list(_metrics(record, start, end)), METRICS_PER_CALL)
    *many_params, params = _pieces([Param(*item) for item in dict(_params(record)).items()], PARAMS_PER_CALL)
    for some_metrics in many_metrics:
        client.log_batch(run.run_id, metrics=some_metrics)
    for some_params in many_params:
        client.log_batch(run.run_id, params=some_params)
    # Of one call MLflow writes the tags last, so the rest is there once the run is marked as complete.
    written = [RunTag(name, tag) for name, tag in {**tags, COMPLETE: "true"}.items()]
    client.log_batch(run.run_id, metrics=metrics, params=params, tags=written)


def _end(client: MlflowClient, run: RunInfo, record: Record) -> None:
    _, end = times_of(record)
    client.set_terminated(run.run_id, "KILLED" if STOPPED in record else "FINISHED", end)


def _dataset(record: Record) -> DatasetInput | None:
    """The rows of a unit's task as an input of its run, by their fingerprint: no row and no path is sent."""
    if (data := record["identity"].get("data")) is None:
        return None
    name, fingerprint = _clean(data["task"], LONGEST_NAME), str(data["fingerprint"])
    source = json.dumps({"task": name, "fingerprint": fingerprint, "template_version": data["template_version"]})
    dataset = Dataset(name, fingerprint[:LONGEST_DIGEST], "panda_ray", source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _pieces(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """At least one, which may be empty."""
    for first in range(0, max(len(items), 1), size):
        yield items[first : first + size]


def times_of(record: Record) -> tuple[int, int]:
    """Start and end of a unit, and so of its run; see `milliseconds`."""
    end = milliseconds(record["finished_at"])
    return end - int(1000 * record["seconds"]), end


def milliseconds(time: str) -> int:
    """A record's time since 1970.

    Raises:
        ValueError, OverflowError: it is none.
    """
    return int(datetime.fromisoformat(time).timestamp() * 1000)


def known_milliseconds(time: str) -> int:
    """Likewise, 0 for what is no time: a unit's own run is refused for that, not its score."""
    try:
        return milliseconds(time)
    except (ValueError, OverflowError):
        return 0


def _name(record: Record, labels: UnitLabels) -> str:
    transfer = f"{sources_text(record['sources'])} → {_task(record)}" if record.get("sources") else _task(record)
    return _clean(f"{labels.label} {transfer} seed {record['seed']}", LONGEST_NAME)


def _task(record: Record) -> str:
    """The task that a training is on, or whose prompt an embedding describes."""
    return str(record["target"] if record["product"] == "prompt" else record["task"])


def unit_tags(record: Record, labels: UnitLabels, parent_id: str) -> dict[str, str]:
    """Of a unit's run, but for the one that says that it is complete."""
    return {name: _clean(value, LONGEST_TAG) for name, value in _tags_as_they_are(record, labels, parent_id)}


def _tags_as_they_are(record: Record, labels: UnitLabels, parent_id: str) -> Iterator[tuple[str, str]]:
    yield "mlflow.parentRunId", parent_id
    yield KEY, record["key"]
    yield PRODUCT, record["product"]
    yield ROLE, labels.role
    yield LABEL, labels.label
    if labels.study is not None:
        yield STUDY, labels.study
    yield "target", _task(record)
    yield "backbone", record["backbone"]
    yield "seed", str(record["seed"])
    if record.get("sources"):
        yield SOURCES, sources_text(record["sources"])
    for name in ("measure", "protocol", "device", "stack", STOPPED):
        if record.get(name):
            yield name, str(record[name])
    if record.get("hosts"):
        yield "hosts", "+".join(record["hosts"])
    if "versions" in record:
        yield "versions", json.dumps(record["versions"], sort_keys=True)


def _params(record: Record) -> Iterator[tuple[str, str]]:
    """What bears on the result, flattened: `config.lr`, `options.kd_loss`, `dependencies.teacher`, ..."""
    flat = _flat("", {name: value for name, value in record["identity"].items() if value not in (None, {}, [])})
    for name, value in flat:
        yield _UNNAMEABLE.sub("_", _clean(name, LONGEST_NAME)), _clean(value, LONGEST_PARAM)


def _clean(text: str, longest: int) -> str:
    """Text that every database takes: no NUL, no half of a character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")[:longest]


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield f"{prefix}{name}", "+".join(map(str, value))
        else:
            yield f"{prefix}{name}", str(value)


def _metrics(record: Record, start: int, end: int) -> Iterator[Metric]:
    for name in (*SCORES, *MEASUREMENTS):
        if record.get(name) is not None:
            yield Metric(name, float(record[name]), end, 0)
    if record.get("similarities"):
        yield Metric("similarity", statistics.fmean(record["similarities"]), end, 0)
    history = record.get("history", ())
    for epoch in history:
        time = start + (end - start) * epoch["epoch"] // max(len(history), 1)
        for field, curve in CURVES.items():
            if epoch.get(field) is not None:
                yield Metric(curve, float(epoch[field]), time, epoch["epoch"])


def _log_files(client: MlflowClient, run: RunInfo, files: Mapping[str, bytes]) -> None:
    if not files:
        return
    # Through the client, MLflow would ask for the run first.
    artifacts = get_artifact_repository(run.artifact_uri, tracking_uri=client.tracking_uri)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        artifacts.log_artifacts(folder)  # type: ignore[no-untyped-call]
