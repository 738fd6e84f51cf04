"""The runs of units that MLflow has already, as a session needs to know them: of which results, and if wholly."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run

from panda_ray.tracking.runs import COMPLETE, KEY, LABEL, PRODUCT, ROLE, STOPPED, SUMMARY, search
from panda_ray.tracking.server.uri import artifact_folder

NEVER = 0
"""End of a run that was cut before it had one."""


class LoggedRun(NamedTuple):
    """The run of a unit, as MLflow has it; of twins, the one to be kept sorts first."""

    key: str
    is_stopped: bool
    is_cut: bool
    start_time: int
    run_id: str
    end_time: int
    role: str
    label: str


def logged_runs(client: MlflowClient, experiment_id: str) -> list[LoggedRun]:
    """All of an experiment, sorted; a unit may have several if two drivers have raced."""
    found = search(client, experiment_id, f"tags.{PRODUCT} != '{SUMMARY}'")
    return sorted(run for run in map(_logged, found) if run.key)


def runs_with_artifacts(client: MlflowClient, experiment_id: str, tracking_uri: str) -> set[str] | None:
    """Runs whose artifacts are there; None where a server has them, which is too slow to be asked of each."""
    folder = artifact_folder(tracking_uri)
    if folder is None:
        return None
    location = client.get_experiment(experiment_id).artifact_location
    inside = folder / Path(location).name
    if not location.startswith(folder.as_uri()) or not inside.is_dir():
        return None if not location.startswith(folder.as_uri()) else set()
    return {run.name for run in inside.iterdir() if any((run / "artifacts").glob("*"))}


def _logged(run: Run) -> LoggedRun:
    tags = run.data.tags
    return LoggedRun(
        str(tags.get(KEY, "")),
        STOPPED in tags,
        COMPLETE not in tags,
        run.info.start_time,
        run.info.run_id,
        run.info.end_time or NEVER,
        str(tags.get(ROLE, "")),
        str(tags.get(LABEL, "")),
    )
