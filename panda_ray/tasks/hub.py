"""Parquet files of a Hub repository at a pinned revision, through huggingface_hub and its cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.tasks.task import HubOrigin


def fetch(task: str, origin: HubOrigin) -> tuple[Sequence[Path], Sequence[Path]]:
    """Local (train, validation) files of a data set; only what the cache lacks is downloaded.

    Raises:
        InputError: when the Hub cannot be reached and the cache lacks the files, or the repository has changed.
    """
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        folder = _snapshot(origin, download=True)
    except (HfHubHTTPError, LocalEntryNotFoundError, ConnectionError) as error:
        raise InputError(
            f"task {task!r}: {origin.repository} at revision {origin.revision} could not be fetched from the Hugging "
            f"Face Hub; connect once, or put the files into DIR/{task}/ and set data_root: DIR ({error})"
        ) from error
    return _match(task, origin, folder, origin.train), _match(task, origin, folder, origin.validation)


def is_cached(origin: HubOrigin) -> bool:
    """Whether the files of a data set are on this disk already; asks nobody."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = _snapshot(origin, download=False)
    except LocalEntryNotFoundError:
        return False
    return all(any(folder.glob(pattern)) for pattern in (origin.train, origin.validation))


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
    files = sorted(folder.glob(pattern))
    if not files:
        raise InputError(
            f"task {task!r}: {origin.repository} at revision {origin.revision} has no {pattern} (looked in {folder})"
        )
    return files
