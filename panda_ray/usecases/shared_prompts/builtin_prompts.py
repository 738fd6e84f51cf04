"""The source prompts of the built-in suite, which come with the package: trained by the sweep `quickstart`."""

from __future__ import annotations

from pathlib import Path

import panda_ray
from panda_ray.errors import InputError

BUILTIN = "builtin"
"""What stands for them where the URL of a store may stand; a folder of that name is `./builtin`."""


def read_place(url: str) -> str:
    """Where prompts are read that people call so."""
    return str(Path(panda_ray.__file__).parent / "builtin_prompts") if url == BUILTIN else url


def written_place(url: str) -> str:
    """Where prompts are written that people call so.

    Raises:
        InputError: they belong to the package.
    """
    if url == BUILTIN:
        raise InputError("the prompts `builtin` come with the package and stay as they are; name a folder or URL")
    return url
