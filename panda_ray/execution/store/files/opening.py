"""Which kind of place a URL names."""

from __future__ import annotations

from panda_ray.execution.store.files.files import Files
from panda_ray.execution.store.files.local_files import LocalFiles
from panda_ray.execution.store.files.object_files import ObjectFiles


def open_files(url: str) -> Files:
    """The files under a folder or an fsspec URL; nothing is read or made.

    Raises:
        InputError: for a protocol that fsspec does not know, or whose package is missing, and for a path that cannot be
            a folder.
    """
    is_local = "://" not in url or url.startswith(("file:", "local:"))
    return LocalFiles(url) if is_local else ObjectFiles(url)
