"""A cloud's notice that this machine is to be taken back, from its metadata service, which the machine alone can ask.

AWS gives it two minutes ahead, Google Cloud half a minute:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
https://cloud.google.com/compute/docs/instances/spot
AWS's recommendation to rebalance is none: it names no end, and machines that got one may stay for hours.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Protocol

import requests
from requests.adapters import HTTPAdapter

_ANSWER_SECONDS = 2.0
_ATTEMPTS = 3

_AWS_NOTICE_SECONDS = 120.0
_GCP_NOTICE_SECONDS = 30.0
_TOKEN_SECONDS = 6 * 3600
"""The longest that AWS grants."""


class Notices(Protocol):
    """What one cloud says of this machine; made only on a machine of that cloud.

    Attributes:
        cloud: its name, for people.
        seconds_between_looks: how often it may be asked, and how much of the notice is lost by waiting.
    """

    cloud: ClassVar[str]
    seconds_between_looks: ClassVar[float]

    def deadline(self) -> float | None:
        """When the machine goes (seconds since 1970); None as long as no notice was given.

        Raises:
            requests.RequestException: the service does not answer as it should, for now.
        """
        ...


class AwsNotices:
    """Version 2 of EC2's instance metadata, which asks for a token.

    Raises:
        requests.RequestException: this is no machine of AWS.
    """

    cloud: ClassVar[str] = "AWS"
    seconds_between_looks: ClassVar[float] = 5.0

    def __init__(self) -> None:
        # The variable is that of AWS's own libraries.
        root = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"
        self._latest = f"{root.rstrip('/')}/latest"
        self._session = _session()
        self._renew_token()

    def deadline(self) -> float | None:
        answer = self._ask()
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self._renew_token()
            answer = self._ask()
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        answer.raise_for_status()
        return _time_in(answer)

    def _ask(self) -> requests.Response:
        return self._session.get(f"{self._latest}/meta-data/spot/instance-action", timeout=_ANSWER_SECONDS)

    def _renew_token(self) -> None:
        wanted = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
        answer = self._session.put(f"{self._latest}/api/token", headers=wanted, timeout=_ANSWER_SECONDS)
        answer.raise_for_status()
        self._session.headers["X-aws-ec2-metadata-token"] = answer.text


def _time_in(answer: requests.Response) -> float:
    """A notice whose time cannot be read is one all the same."""
    try:
        return datetime.fromisoformat(answer.json()["time"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return time.time() + _AWS_NOTICE_SECONDS


class GcpNotices:
    """The metadata server of Google's Compute Engine, which names no time.

    Raises:
        requests.RequestException: this is no machine of Google Cloud.
    """

    cloud: ClassVar[str] = "Google Cloud"
    seconds_between_looks: ClassVar[float] = 1.0

    def __init__(self) -> None:
        # The variable is that of Google's own libraries.
        host = os.environ.get("GCE_METADATA_HOST") or "metadata.google.internal"
        self._url = f"http://{host}/computeMetadata/v1/instance/preempted"
        self._session = _session()
        self._session.headers["Metadata-Flavor"] = "Google"
        self.deadline()

    def deadline(self) -> float | None:
        answer = self._session.get(self._url, timeout=_ANSWER_SECONDS)
        answer.raise_for_status()
        if answer.headers.get("Metadata-Flavor") != "Google":
            raise requests.RequestException(f"{self._url} is no service of Google's")
        return time.time() + _GCP_NOTICE_SECONDS if answer.text.strip() == "TRUE" else None


def find_notices() -> Notices | None:
    """The service of the cloud that this machine belongs to; None on a machine of no cloud that is known here."""
    for kind in (AwsNotices, GcpNotices):
        with suppress(requests.RequestException):
            return kind()
    return None


def wait_for_notice(notices: Notices, is_over: Callable[[], bool]) -> float | None:
    """Ask again and again; a service that does not answer is asked again, too.

    Returns:
        when the machine goes (seconds since 1970); None where it was over without a notice.
    """
    while not is_over():
        time.sleep(notices.seconds_between_looks)
        with suppress(requests.RequestException):
            if (deadline := notices.deadline()) is not None:
                return deadline
    return None


def _session() -> requests.Session:
    """Straight to the service, whatever proxy the machine has, and with patience for one that is busy."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(max_retries=_ATTEMPTS - 1))
    return session
