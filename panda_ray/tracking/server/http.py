"""The few questions to a tracking server that MLflow's client does not ask: whether it is up, its version, its time."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import requests

_SECONDS = 10.0


def is_mlflow(uri: str) -> bool | None:
    """Whether it is MLflow's server that answers at an address over HTTP; None where nobody does."""
    try:
        return _get(uri, "health").text == "OK"
    except requests.ConnectionError:
        return None
    except requests.RequestException:
        return False


def server_version(tracking_uri: str) -> str | None:
    """Of MLflow at a server; None of a database, and of a server that does not say it.

    Raises:
        requests.RequestException: the server does not answer.
    """
    if not _is_http(tracking_uri):
        return None
    answer = _get(tracking_uri, "version")
    return answer.text.strip() if answer.ok else None


def server_time(tracking_uri: str) -> float:
    """Seconds since 1970, to a second, by a server's answer; by this machine's clock of a database.

    Raises:
        requests.RequestException: the server does not answer.
    """
    said = _get(tracking_uri, "health").headers.get("Date") if _is_http(tracking_uri) else None
    return time.time() if said is None else parsedate_to_datetime(said).timestamp()


def _is_http(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _get(uri: str, path: str) -> requests.Response:
    return requests.get(f"{uri.rstrip('/')}/{path}", timeout=_SECONDS, allow_redirects=False)
