"""Parquet files of a Hub repository at a pinned revision, through huggingface_hub and its cache.

`datasets` would fetch them with the same library, but asks the Hub even where its cache holds everything, and finds
nothing in it without a network; so it reads (see `table.py`) what is found here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.tasks.rows.layout import check_complete, in_row_order
from panda_ray.tasks.task import HubOrigin

_KNOCK_SECONDS = 10.0

_TOLD_SECONDS = 60.0
"""How long an answer, or its absence, is taken to hold."""


@dataclass(frozen=True)
class HubFiles:
    """Files of a data set's repository at a revision; each pattern names those of one split."""

    repository: str
    revision: str
    patterns: tuple[str, ...]


def fetch(task: str, origin: HubOrigin) -> tuple[Sequence[Path], Sequence[Path]]:
    """Local (train, validation) files of a data set; the Hub is asked only for what the cache lacks.

    Raises:
        InputError: when the Hub cannot be reached and the cache lacks the files, or the repository has changed.
    """
    train, validation = fetched(
        _files_of(origin), f"task {task!r}: ", f"connect once, or put the files into DIR/{task}/ and set data_root: DIR"
    )
    return train, validation


def fetched(files: HubFiles, whose: str, remedy: str) -> list[Sequence[Path]]:
    """Local files of each pattern; the Hub is asked only for what the cache lacks.

    Args:
        whose: how messages begin.
        remedy: what to do where the Hub is out of reach.

    Raises:
        InputError: when the Hub cannot be reached and the cache lacks the files, or the repository has no such files.
    """
    from huggingface_hub.errors import HfHubHTTPError

    cached = _cached(files)
    if cached is not None:
        return cached
    problem = hub_problem()
    try:
        folder = _snapshot(files, download=problem is None)
    except (HfHubHTTPError, OSError) as error:
        raise InputError(
            f"{whose}{files.repository} at revision {files.revision} could not be fetched from the Hugging Face Hub; "
            f"{remedy} ({problem or error})"
        ) from error
    return [_match(files, folder, pattern, whose) for pattern in files.patterns]


def is_cached(origin: HubOrigin) -> bool:
    """Whether all files of a data set are on this disk already; asks nobody."""
    return are_cached(_files_of(origin))


def are_cached(files: HubFiles) -> bool:
    """Whether files are on this disk already; asks nobody."""
    return _cached(files) is not None


def _files_of(origin: HubOrigin) -> HubFiles:
    return HubFiles(origin.repository, origin.revision, (origin.train, origin.validation))


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


def _cached(files: HubFiles) -> list[Sequence[Path]] | None:
    """Every split as the cache holds it, or None where it lacks a part (a download that was cut off)."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = _snapshot(files, download=False)
        return [_match(files, folder, pattern, "") for pattern in files.patterns]
    except (LocalEntryNotFoundError, InputError):
        return None


def _snapshot(files: HubFiles, download: bool) -> Path:
    """Folder of the revision with the files of all splits, as far as they are there."""
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            files.repository,
            repo_type="dataset",
            revision=files.revision,
            allow_patterns=list(files.patterns),
            local_files_only=not download,
        )
    )


def _match(files: HubFiles, folder: Path, pattern: str, whose: str) -> Sequence[Path]:
    found = in_row_order([path for path in folder.glob(pattern) if path.exists()])
    if not found:
        raise InputError(
            f"{whose}{files.repository} at revision {files.revision} has no {pattern} (looked in {folder})"
        )
    check_complete(found)
    return found
