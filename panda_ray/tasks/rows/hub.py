"""Parquet files of a Hub repository at a pinned revision, through huggingface_hub and its cache.

`datasets` would fetch them with the same library, but asks the Hub even where its cache holds everything, and finds
nothing in it without a network; so it reads (see `table.py`) what is found here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.tasks.rows.layout import check_complete, in_row_order
from panda_ray.tasks.task import HubOrigin

_KNOCK_SECONDS = 10.0

_TOLD_SECONDS = 60.0
"""How long an answer, or its absence, is taken to hold."""


def fetch(task: str, origin: HubOrigin) -> tuple[Sequence[Path], Sequence[Path]]:
    """Local (train, validation) files of a data set; the Hub is asked only for what the cache lacks.

    Raises:
        InputError: when the Hub cannot be reached and the cache lacks the files, or the repository has changed.
    """
    from huggingface_hub.errors import HfHubHTTPError

    cached = _cached(origin)
    if cached is not None:
        return cached
    problem = hub_problem()
    try:
        folder = _snapshot(origin, download=problem is None)
    except (HfHubHTTPError, OSError) as error:
        raise InputError(
            f"task {task!r}: {origin.repository} at revision {origin.revision} could not be fetched from the Hugging "
            f"Face Hub; connect once, or put the files into DIR/{task}/ and set data_root: DIR ({problem or error})"
        ) from error
    return _match(task, origin, folder, origin.train), _match(task, origin, folder, origin.validation)


def is_cached(origin: HubOrigin) -> bool:
    """Whether all files of a data set are on this disk already; asks nobody."""
    return _cached(origin) is not None


def hub_problem() -> str | None:
    """Why nothing can be fetched from the Hub, as a clause; None where it answers.

    It is asked once a minute at the most, and then once: a download by its library tries for half a minute, and another
    one for every backbone.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE forbids to ask the Hub"
    return _problem_of(constants.ENDPOINT, int(time.monotonic() // _TOLD_SECONDS))


@lru_cache(maxsize=1)
def _problem_of(endpoint: str, _minute: int) -> str | None:
    from huggingface_hub.utils._http import get_session

    try:
        get_session().head(endpoint, timeout=_KNOCK_SECONDS)
    except Exception as error:  # of whatever HTTP client the library has
        return f"the Hub at {endpoint} cannot be reached ({type(error).__name__})"
    return None


def _cached(origin: HubOrigin) -> tuple[Sequence[Path], Sequence[Path]] | None:
    """Both splits as the cache holds them, or None where it lacks a part (a download that was cut off)."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = _snapshot(origin, download=False)
        train, validation = _match("", origin, folder, origin.train), _match("", origin, folder, origin.validation)
    except (LocalEntryNotFoundError, InputError):
        return None
    return train, validation


def _snapshot(origin: HubOrigin, download: bool) -> Path:
    """Folder of the pinned revision with the files of both splits, as far as they are there."""
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            origin.repository,
            repo_type="dataset",
            revision=origin.revision,
            allow_patterns=[origin.train, origin.validation],
            local_files_only=not download,
        )
    )


def _match(task: str, origin: HubOrigin, folder: Path, pattern: str) -> Sequence[Path]:
    files = in_row_order([path for path in folder.glob(pattern) if path.exists()])
    if not files:
        raise InputError(
            f"task {task!r}: {origin.repository} at revision {origin.revision} has no {pattern} (looked in {folder})"
        )
    check_complete(files)
    return files
