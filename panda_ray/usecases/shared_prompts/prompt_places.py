"""Where prompts are read and written: a store, the built-in suite's that come with the package, or one on the Hub."""

from __future__ import annotations

from pathlib import Path

import panda_ray
from panda_ray.errors import InputError
from panda_ray.usecases.shared_prompts.hub_places import fetched_store, is_on_hub

BUILTIN = "builtin"
"""What stands for those of the built-in suite, which the sweep `quickstart` trained; a folder of that name is
`./builtin`."""


def read_place(url: str) -> str:
    """Where prompts are read that people call so; those of the Hub are fetched first.

    Raises:
        InputError: as `fetched_store`.
    """
    if is_on_hub(url):
        return fetched_store(url)
    return str(Path(panda_ray.__file__).parent / "builtin_prompts") if url == BUILTIN else url


def written_place(url: str) -> str:
    """Where prompts are written that people call so.

    Raises:
        InputError: they belong to the package.
    """
    if url == BUILTIN:
        raise InputError("the prompts `builtin` come with the package and stay as they are; name a folder or URL")
    if is_on_hub(url):
        raise InputError(f"{url}: what is on the Hub is changed by `panda-ray prompts push SWEEP {url}` alone")
    return url
