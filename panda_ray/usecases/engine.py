"""Whether the engine is installed: a plain `pip install panda-ray` plans, watches and reports, and does not train."""

from __future__ import annotations

from importlib import import_module

from panda_ray.errors import InputError


def check_engine(task: str, library: str = "torch", extra: str = "train") -> None:
    """Say what to install where a use case needs more than there is.

    Args:
        task: what needs it, as a sentence begins.
        library: whose absence shows it.
        extra: what brings it.

    Raises:
        InputError: the library, or what it needs, is not installed.
    """
    try:
        import_module(library)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{task} needs {error.name}, which is not installed here: pip install 'panda-ray[{extra}]'"
        ) from error
