"""The files of a sweep's summary runs, as whoever reads a study or its progress gets them from a tracking server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import FileInfo, Run
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from panda_ray.errors import InputError
from panda_ray.secrets import public
from panda_ray.tracking.experiment import find_experiment
from panda_ray.tracking.reading.study import Failure
from panda_ray.tracking.runs import FAILURES_FILE, PLAN_FILE, SEARCH_FILE, summary_runs
from panda_ray.tracking.searched import Searched
from panda_ray.tracking.server.patience import Pulse, patiently
from panda_ray.tracking.server.trouble import reason
from panda_ray.tracking.server.uri import shown

Value = TypeVar("Value")


def asked(work: Callable[[Pulse], Value], tracking_uri: str, problem: str) -> Value:
    """What a server answers; whatever it or a package behind it raises becomes a sentence with the cause.

    Raises:
        InputError: it does not answer as it should.
    """
    try:
        return patiently(work)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"MLflow at {public(tracking_uri)} {problem}: {reason(error, tracking_uri)}") from error


def summaries_of(client: MlflowClient, sweep: str) -> dict[str, Run]:
    """The summary run of each backbone.

    Raises:
        InputError: there is none.
    """
    experiment = find_experiment(client, sweep)
    runs = {} if experiment is None else summary_runs(client, experiment.experiment_id)
    if not runs:
        raise InputError(
            f"MLflow at {shown(client.tracking_uri)} knows no sweep {sweep!r}; run it first, or log what the store "
            "has with `panda-ray track`"
        )
    return runs


class SummaryFiles:
    """The files of one summary run, downloaded when they are asked for.

    Attributes:
        names: of the files beside each other; those in folders are not among them.
        plan: what the sweep wants of the backbone.

    Raises:
        InputError: the run has lost its files.
    """

    def __init__(self, client: MlflowClient, run_id: str, folder: Path, pulse: Pulse) -> None:
        # Through the client, each file costs several questions about the run.
        uri = client.get_run(run_id).info.artifact_uri
        self._artifacts = get_artifact_repository(uri, tracking_uri=client.tracking_uri)
        self._folder = folder / run_id
        self._pulse = pulse
        self._folder.mkdir()
        self.names = {file.path for file in self.listed(None)}
        if PLAN_FILE not in self.names:
            raise InputError(
                f"the files of summary run {run_id} were removed from MLflow; log them anew from the store with "
                "`panda-ray track`"
            )
        self.plan: dict[str, Any] = json.loads(self.path(PLAN_FILE).read_text(encoding="utf-8"))

    def failures(self) -> Iterator[Failure]:
        """Units without a result, and why."""
        if FAILURES_FILE in self.names:
            yield from (Failure(**entry) for entry in json.loads(self.path(FAILURES_FILE).read_text(encoding="utf-8")))

    def searched(self) -> Searched | None:
        """What the backbone's studies have tried; None where the sweep is no search, or has lost it."""
        if SEARCH_FILE not in self.names:
            return None
        try:
            return Searched.from_json(self.path(SEARCH_FILE).read_bytes(), self.plan["backbone"])
        except ValueError:
            return None

    def listed(self, folder: str | None) -> list[FileInfo]:
        """What is in a folder."""
        self._pulse.beat()
        return list(self._artifacts.list_artifacts(folder))

    def path(self, name: str) -> Path:
        """A file, downloaded anew."""
        self._pulse.beat()
        return Path(self._artifacts.download_artifacts(name, str(self._folder)))  # type: ignore[no-untyped-call]
