"""The runs of units that MLflow has already, as a session needs to know them: of which results, and if wholly."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient

from panda_ray.tracking.runs import COMPLETE, KEY, LABEL, PRODUCT, ROLE, STOPPED, SUMMARY, search
from panda_ray.tracking.server.uri import artifact_folder, database_of, is_sqlite

NEVER = 0
"""End of a run that was cut before it had one."""

_READ = (PRODUCT, KEY, STOPPED, COMPLETE, ROLE, LABEL)
_TAGS = f"""
SELECT run_uuid, start_time, end_time, key, value FROM runs JOIN tags USING (run_uuid)
WHERE experiment_id = ? AND lifecycle_stage = 'active' AND key IN ({", ".join("?" * len(_READ))})
"""
_BUSY_SECONDS = 30.0


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


def logged_runs(client: MlflowClient, experiment_id: str, tracking_uri: str) -> list[LoggedRun]:
    """All of an experiment, sorted; a unit may have several if two drivers have raced."""
    found = runs_of_sqlite(tracking_uri, experiment_id) if is_sqlite(tracking_uri) else runs_of(client, experiment_id)
    return sorted(run for run in found if run.key)


def runs_of(client: MlflowClient, experiment_id: str) -> Iterator[LoggedRun]:
    """As MLflow lists them, with all metrics and parameters: 2 ms of CPU each."""
    for run in search(client, experiment_id, f"tags.{PRODUCT} != '{SUMMARY}'"):
        yield _logged(run.info.run_id, run.info.start_time, run.info.end_time, run.data.tags)


def runs_of_sqlite(tracking_uri: str, experiment_id: str) -> Iterator[LoggedRun]:
    """The same of the tables of a local database, a hundred times as fast: a finished sweep asks for this alone."""
    tags: dict[tuple[str, int, int | None], dict[str, str]] = defaultdict(dict)
    with closing(sqlite3.connect(database_of(tracking_uri), timeout=_BUSY_SECONDS)) as database:
        for run_id, start, end, name, value in database.execute(_TAGS, (int(experiment_id), *_READ)):
            tags[run_id, start, end][name] = value
    for run, of in tags.items():
        if of.get(PRODUCT, SUMMARY) != SUMMARY:
            yield _logged(*run, of)


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


def _logged(run_id: str, start_time: int, end_time: int | None, tags: Mapping[str, str]) -> LoggedRun:
    return LoggedRun(
        str(tags.get(KEY, "")),
        STOPPED in tags,
        COMPLETE not in tags,
        start_time,
        run_id,
        end_time or NEVER,
        str(tags.get(ROLE, "")),
        str(tags.get(LABEL, "")),
    )
