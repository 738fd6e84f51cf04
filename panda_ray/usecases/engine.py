"""Whether the engine is installed: a plain `pip install panda-ray` plans, watches and reports, and does not train."""

from __future__ import annotations

from importlib import import_module

from panda_ray.errors import InputError


def check_engine(task: str, library: str = "torch") -> None:
    """Say what to install where a use case needs more than there is.

    Args:
        task: what needs it, as a sentence begins.
        library: whose absence shows it.

    Raises:
        InputError: the library cannot be imported.
    """
    try:
        import_module(library)
    except ImportError as error:
        raise InputError(
            f"{task} needs the engine, which is not installed here ({error}): pip install 'panda-ray[train]'"
        ) from error
