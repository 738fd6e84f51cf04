"""Asking a provider's own command-line tool."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError

_SECONDS = 60.0


def ask(command: Sequence[str], where: str) -> str:
    """What a command prints.

    Args:
        where: what messages begin with.

    Raises:
        InputError: the command is not installed.
        UnreachableError: it fails, or does not answer within a minute.
    """
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        raise InputError(f"{where}: finding the head needs {command[0]}, which is not installed here") from None
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"{where}: {command[0]} has not answered within {_SECONDS:.0f} seconds") from None
    if ended.returncode:
        raise UnreachableError(f"{where}: {command[0]} says: {' '.join(ended.stderr.split()) or 'nothing'}")
    return ended.stdout
