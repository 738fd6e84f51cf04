"""Prompts in a repository of the Hugging Face Hub: `hf://user/repo`, or `hf://user/repo@revision` to read.

Such a repository is a store of prompts (`units/`), whose records have the sha256 of every file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.tasks.caching.disk import address, cache_home

SCHEME = "hf://"
UNITS = "units"
"""Where a store has its results."""
CARD = "README.md"
"""What the Hub shows of a repository."""
_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class HubPlace:
    """A repository, and the branch, tag or commit of it; None for its head."""

    repository: str
    revision: str | None


def is_on_hub(url: str) -> bool:
    return url.startswith(SCHEME)


def hub_place(url: str) -> HubPlace:
    """What a URL names.

    Raises:
        InputError: it does not name a repository.
    """
    found = _NAME.fullmatch(url.removeprefix(SCHEME))
    if found is None:
        raise InputError(
            f"{url!r} names no repository of the Hugging Face Hub: hf://USER/NAME, or hf://USER/NAME@REVISION"
        )
    return HubPlace(found["repository"], found["revision"])


def fetched_store(url: str) -> str:
    """The folder of this machine's cache with the store of a repository, as one commit has it.

    Raises:
        InputError: as `fetched_folder`, or the repository holds no store.
    """
    folder = fetched_folder(url)
    if not (folder / UNITS).is_dir():
        raise InputError(f"{url} has no folder {UNITS!r}; `panda-ray prompts push SWEEP {url}` makes one")
    return str(folder)


def fetched_folder(url: str) -> Path:
    """The same, whatever the repository holds; its card is fetched, too.

    They are files, and not the links of the Hub's own cache, which a store does not follow.

    Raises:
        InputError: there is no such repository or revision, or the Hub cannot be reached.
    """
    from huggingface_hub import HfApi, snapshot_download

    place = hub_place(url)
    with hub_refusals(url):
        commit = HfApi().repo_info(place.repository, revision=place.revision).sha
        folder = cache_home() / "hub" / address([place.repository, commit])
        snapshot_download(place.repository, revision=commit, allow_patterns=[f"{UNITS}/**", CARD], local_dir=folder)
    return folder


@contextmanager
def hub_refusals(url: str) -> Iterator[None]:
    """What the Hub refuses, as one sentence."""
    try:
        yield
    except Exception as error:  # of whatever HTTP client the library has
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{url}: the Hugging Face Hub refuses, or cannot be reached ({reason[:300]}); what is "
            "yours needs `hf auth login`, or HF_TOKEN"
        ) from error
