"""Ray's Jobs API over HTTP: what `ray job` does in ten seconds and with Ray installed, in one and without it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from panda_ray.clusters.token import read_token
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 120.0
"""A head that starts a job, or takes a package, on a busy machine."""

_AGENT_PAUSE = 2.0
_NO_AGENT = ("No available agent", "Cannot connect to host")
"""What a new head says while its dashboard answers and the agent that starts jobs does not; nothing was started."""

LARGEST_PACKAGE = 90 << 20
"""Bytes; Ray's dashboard takes no request of 100 MiB."""

_SEEN = ("PENDING", "RUNNING")


class JobExistsError(InputError):
    """There is a job of that submission id already."""


@dataclass(frozen=True)
class Job:
    """A job as the cluster knows it.

    Attributes:
        id: its submission id.
        status: PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED.
        message: Ray's own words on the status.
        started, ended: seconds since 1970; None before.
        exit_code: of the driver; None while there is none.
        metadata: what it was submitted with.
    """

    id: str
    status: str
    message: str
    started: float | None
    ended: float | None
    exit_code: int | None
    metadata: Mapping[str, str]

    @property
    def is_active(self) -> bool:
        """Whether it runs or is about to."""
        return self.status in _SEEN


class JobsApi:
    """The Jobs API at one address.

    Args:
        url: `http://host:port` of Ray's dashboard.

    Every method raises `UnreachableError` where nobody answers, something else does, or the token is not the cluster's.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        # Neither proxies nor ~/.netrc: the way is a tunnel's end or was named, and the header is ours.
        self._session.trust_env = False
        if token := read_token():
            self._session.headers["Authorization"] = f"Bearer {token}"

    def ray_version(self) -> str:
        """Of the cluster."""
        answer = self._ask("GET", "/api/version").json()
        return str(answer["ray_version"])

    def jobs(self) -> list[Job]:
        """All that were submitted since the head has started, the newest first."""
        found = [_job(about) for about in self._ask("GET", "/api/jobs/").json() if about.get("submission_id")]
        return sorted(found, key=lambda job: job.started or 0.0, reverse=True)

    def job(self, submission_id: str) -> Job | None:
        """One of them."""
        answer = self._ask("GET", f"/api/jobs/{quote(submission_id)}", absent=True)
        return None if answer.status_code == requests.codes.not_found else _job(answer.json())

    def submit(
        self,
        entrypoint: str,
        submission_id: str,
        runtime_env: Mapping[str, Any],
        metadata: Mapping[str, str],
        patience_s: float,
    ) -> None:
        """Start a job.

        Args:
            entrypoint: a line for the head's shell.
            patience_s: seconds that a head may take until it starts jobs, though it answers already.

        Raises:
            JobExistsError: there is one of that id.
            InputError: the cluster refuses it, in the cluster's words.
        """
        body = {
            "entrypoint": entrypoint,
            "submission_id": submission_id,
            "runtime_env": dict(runtime_env),
            "metadata": dict(metadata),
        }
        answer = self._ask("POST", "/api/jobs/", json=body, refused=True)
        deadline = time.monotonic() + patience_s
        while any(words in answer.text for words in _NO_AGENT) and time.monotonic() < deadline:
            time.sleep(_AGENT_PAUSE)
            answer = self._ask("POST", "/api/jobs/", json=body, refused=True)
        if answer.ok:
            return
        said = answer.text.strip().splitlines()[-1:] or ["without a word"]
        if "already exists" in answer.text:
            raise JobExistsError(f"there is a job {submission_id} on the cluster already")
        raise InputError(f"the cluster refuses the job {submission_id}: {said[0]}")

    def logs(self, submission_id: str) -> str:
        """All that a job has printed so far; empty for one that the cluster does not know."""
        answer = self._ask("GET", f"/api/jobs/{quote(submission_id)}/logs", absent=True)
        return "" if answer.status_code == requests.codes.not_found else str(answer.json()["logs"] or "")

    def stop(self, submission_id: str) -> bool:
        """Send SIGTERM to a job's driver, and SIGKILL after the head's RAY_JOB_STOP_WAIT_TIME_S.

        Returns false for a job that is over, or that the cluster does not know.
        """
        answer = self._ask("POST", f"/api/jobs/{quote(submission_id)}/stop", absent=True)
        return answer.status_code != requests.codes.not_found and bool(answer.json()["stopped"])

    def forget(self, submission_id: str) -> None:
        """Take a job that is over out of the history."""
        self._ask("DELETE", f"/api/jobs/{quote(submission_id)}", absent=True)

    def put_package(self, name: str, content: bytes) -> str:
        """Bring a package of code or data to the cluster, unless it is there; its URI for a `runtime_env`.

        Args:
            name: with a hash of the content in it, and the ending that says what it is.
        """
        where = f"/api/packages/gcs/{quote(name)}"
        if self._ask("GET", where, absent=True).status_code == requests.codes.not_found:
            self._ask("PUT", where, data=content)
        return f"gcs://{name}"

    def _ask(
        self, method: str, path: str, absent: bool = False, refused: bool = False, **body: Any
    ) -> requests.Response:
        """One request.

        Args:
            absent: a 404 is an answer.
            refused: any 4xx or 5xx but one about tokens is.
        """
        try:
            waits = (_CONNECT_SECONDS, _ANSWER_SECONDS)
            answer = self._session.request(method, self.url + path, timeout=waits, allow_redirects=False, **body)
        except requests.RequestException as error:
            raise UnreachableError(f"no cluster answers at {self.url} ({_reason(error)}); is it up?") from None
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise UnreachableError(_token_problem(self.url, "Authorization" in self._session.headers))
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        if (answer.ok and (is_json or method == "PUT" or "/packages/" in path)) or refused:
            return answer
        if absent and answer.status_code == requests.codes.not_found:
            return answer
        raise UnreachableError(
            f"what answers at {self.url} is not the Jobs API of a Ray cluster (status {answer.status_code} for {path})"
        )


def check_url(url: str) -> None:
    """Raises: InputError for an address that is no URL of a Jobs API."""
    scheme, separator, rest = url.partition("://")
    if scheme in ("http", "https") and rest:
        return
    host = (rest if separator else url).partition(":")[0] or "HOST"
    raise InputError(
        f"--address {url}: the Jobs API of a cluster is meant, the address of Ray's dashboard: http://{host}:8265"
    )


def _job(about: Mapping[str, Any]) -> Job:
    started, ended = (value / 1000 if (value := about.get(name)) else None for name in ("start_time", "end_time"))
    return Job(
        id=str(about["submission_id"]),
        status=str(about["status"]),
        message=str(about.get("message") or ""),
        started=started,
        ended=ended,
        exit_code=about.get("driver_exit_code"),
        metadata=about.get("metadata") or {},
    )


def _token_problem(url: str, was_given: bool) -> str:
    if was_given:
        return (
            f"the cluster at {url} has another token than RAY_AUTH_TOKEN or ~/.ray/auth_token here; "
            "copy the one that it was started with"
        )
    return (
        f"the cluster at {url} asks for a token, and there is none here; put the one that it was started with into "
        "~/.ray/auth_token or RAY_AUTH_TOKEN"
    )


def _reason(error: requests.RequestException) -> str:
    """The innermost words of an error that requests has wrapped."""
    text = str(error)
    for known in ("Connection refused", "Name or service not known", "timed out", "Connection reset", "closed"):
        if known in text:
            return known.lower()
    return type(error).__name__
