"""A sweep's experiment: found by its name or, when somebody renamed it, by its tag; refused when it is another study's.

The tag `panda_ray.storage` says whose results an experiment shows: a hash of where the store is, without saying where.
A store that was moved has another hash, and is known by the results that both have.
"""

from __future__ import annotations

import hashlib
import platform
import time
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.tracking.runs import COMPLETE, KEY, REPORT_FOLDER, REPORT_PAGE, STORAGE, SWEEP
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.server.database import put_aside
from panda_ray.tracking.server.patience import Pulse
from panda_ray.tracking.server.uri import artifact_folder, database_of, is_sqlite, shown

_MODEL_TRAINING = "workflowType=machine_learning"
"""Without it the pages of MLflow 3.17 open what the browser showed last, at first an overview of traces."""

_UI = "http://127.0.0.1:5000"
"""Where `panda-ray ui` shows a database unless it is told otherwise."""

_COMPARED = 50
"""Units of an experiment that are looked for in a store before it counts as another study's."""


def open_experiment(client: MlflowClient, name: str, store: Store) -> str:
    """Id of the sweep's experiment, made on first use and marked as this store's.

    Raises:
        InputError: for an experiment that was deleted in MLflow, or shows the results of another store.
    """
    found = find_experiment(client, name)
    if found is None:
        folder = artifact_folder(client.tracking_uri)
        location = folder.joinpath(name).as_uri() if folder else None
        experiment_id = str(client.create_experiment(name, artifact_location=location))
    else:
        experiment_id = str(found.experiment_id)
        _check_owner(client, found, name, store)
    client.set_experiment_tag(experiment_id, STORAGE, _owner(store))
    client.set_experiment_tag(experiment_id, SWEEP, name)
    return experiment_id


def find_experiment(client: MlflowClient, name: str) -> Experiment | None:
    """The sweep's experiment, or None if nothing was logged yet.

    Raises:
        InputError: for an experiment that was deleted in MLflow.
    """
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == "active":
        return found
    renamed = client.search_experiments(filter_string=f"tags.`{SWEEP}` = '{name}'", view_type=ViewType.ACTIVE_ONLY)
    if renamed:
        return min(renamed, key=lambda experiment: int(experiment.experiment_id))
    if found is not None:
        raise InputError(
            f"experiment {name!r} was deleted in MLflow at {shown(client.tracking_uri)}; restore it there, or make it "
            "anew from the store with `panda-ray track SWEEP --rebuild`"
        )
    return None


def check_is_ours(client: MlflowClient, name: str, store: Store) -> None:
    """Raises: InputError, as `open_experiment` would; nothing is made."""
    if (found := find_experiment(client, name)) is not None:
        _check_owner(client, found, name, store)


def runs_page(experiment_id: str) -> str:
    """Where MLflow's pages show an experiment's runs, behind the address of the server."""
    return f"#/experiments/{experiment_id}/runs?{_MODEL_TRAINING}"


def pages_of_runs(tracking_uri: str, experiment_id: str) -> str | None:
    """The whole address of that page, without a password; None where only a database server is known.

    A SQLite database is shown by `panda-ray ui` while it runs, at its usual port.
    """
    if is_sqlite(tracking_uri):
        return f"{_UI}/{runs_page(experiment_id)}"
    parts = urlsplit(tracking_uri)
    if parts.scheme not in ("http", "https"):
        return None
    server = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{server}{parts.path.rstrip('/')}/{runs_page(experiment_id)}"


def report_page(experiment_id: str, summary_run_id: str) -> str:
    """Likewise, the report of a backbone once it is made."""
    files = f"#/experiments/{experiment_id}/runs/{summary_run_id}/artifacts"
    return f"{files}/{REPORT_FOLDER}/{REPORT_PAGE}?{_MODEL_TRAINING}"


def remake(name: str, tracking_uri: str, pulse: Pulse) -> None:
    """Put what MLflow has of a sweep aside, so that all of it is made anew; nothing is removed for good."""
    if is_sqlite(tracking_uri):
        put_aside(database_of(tracking_uri))
    _retire(connect(tracking_uri, pulse), name)


def _retire(client: MlflowClient, name: str) -> None:
    """Rename the sweep's experiment if there is one, and delete it so that MLflow can restore it: its name is free."""
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    found = find_experiment(client, name)
    if found is None:
        return
    client.set_experiment_tag(found.experiment_id, SWEEP, "")
    client.rename_experiment(found.experiment_id, f"{name} before {time.strftime('%Y-%m-%d %H:%M:%S')}")
    client.delete_experiment(found.experiment_id)


def _check_owner(client: MlflowClient, experiment: Experiment, name: str, store: Store) -> None:
    if experiment.tags.get(STORAGE, _owner(store)) == _owner(store) or _is_inside(client.tracking_uri, store):
        return
    runs = client.search_runs([experiment.experiment_id], f"tags.{COMPLETE} = 'true'", max_results=_COMPARED)
    keys = [run.data.tags[KEY] for run in runs if KEY in run.data.tags]
    if keys and all(store.record(key) is None for key in keys):
        raise InputError(
            f"experiment {name!r} in MLflow at {shown(client.tracking_uri)} shows the results of another store than "
            f"{store.url}; give this sweep another name (--set name={name}-2), or the storage it was run with"
        )


def _is_inside(tracking_uri: str, store: Store) -> bool:
    folder = store.local_folder
    return folder is not None and is_sqlite(tracking_uri) and folder in database_of(tracking_uri).parents


def _owner(store: Store) -> str:
    """Where a store is, as a hash: a path or a bucket is nothing for others to read."""
    place = f"{platform.node()}:{store.url}" if store.local_folder is not None else store.url
    return hashlib.sha256(place.encode()).hexdigest()[:16]
