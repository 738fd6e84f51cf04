"""Whether the engine is installed: a plain `pip install panda-ray` plans, watches and reports, and does not train."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

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
        raise _lacking(task, error.name or library, extra) from error


def check_installed(task: str, library: str, extra: str = "train") -> None:
    """The same of the library alone, without importing it: that of PyTorch and Ray takes seconds.

    Raises:
        InputError: it is not installed.
    """
    try:
        found = find_spec(library)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise _lacking(task, library, extra)


def _lacking(task: str, library: str, extra: str) -> InputError:
    return InputError(f"{task} needs {library}, which is not installed here: pip install 'panda-ray[{extra}]'")
