"""Parquet files of a Hub repository at a pinned revision, through huggingface_hub and its cache.

`datasets` would fetch them with the same library, but asks the Hub even where its cache holds everything, and finds
nothing in it without a network; so it reads (see `table.py`) what is found here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.tasks.rows.layout import check_complete, in_row_order
from panda_ray.tasks.task import HubOrigin

_KNOCK_SECONDS = 10.0


def fetch(task: str, origin: HubOrigin) -> tuple[Sequence[Path], Sequence[Path]]:
    """Local (train, validation) files of a data set; the Hub is asked only for what the cache lacks.

    Raises:
        InputError: when the Hub cannot be reached and the cache lacks the files, or the repository has changed.
    """
    from huggingface_hub.errors import HfHubHTTPError

    cached = _cached(origin)
    if cached is not None:
        return cached
    try:
        folder = _snapshot(origin, download=True)
    except (HfHubHTTPError, OSError) as error:
        raise InputError(
            f"task {task!r}: {origin.repository} at revision {origin.revision} could not be fetched from the Hugging "
            f"Face Hub; connect once, or put the files into DIR/{task}/ and set data_root: DIR ({error})"
        ) from error
    return _match(task, origin, folder, origin.train), _match(task, origin, folder, origin.validation)


def is_cached(origin: HubOrigin) -> bool:
    """Whether all files of a data set are on this disk already; asks nobody."""
    return _cached(origin) is not None


def hub_problem() -> str | None:
    """Why nothing can be fetched from the Hub, as a clause; None where it answers."""
    from huggingface_hub import constants
    from huggingface_hub.utils._http import get_session

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE forbids to fetch them"
    try:
        get_session().head(constants.ENDPOINT, timeout=_KNOCK_SECONDS)
    except Exception as error:  # of whatever HTTP client the library has
        return f"the Hub at {constants.ENDPOINT} cannot be reached ({type(error).__name__})"
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
