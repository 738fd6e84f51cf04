"""The token that a cluster asks for, from where Ray itself looks for it."""

from __future__ import annotations

import os
from pathlib import Path

from panda_ray.clusters.unreachable import UnreachableError


def read_token() -> str | None:
    """RAY_AUTH_TOKEN, the file of RAY_AUTH_TOKEN_PATH, or ~/.ray/auth_token; None where there is none.

    Raises:
        UnreachableError: RAY_AUTH_TOKEN_PATH names a file that cannot be read.
    """
    if given := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return given
    if named := os.environ.get("RAY_AUTH_TOKEN_PATH"):
        try:
            return Path(named).read_text().strip() or None
        except (OSError, UnicodeDecodeError) as error:
            raise UnreachableError(f"RAY_AUTH_TOKEN_PATH names {named}, which cannot be read: {error}") from None
    try:
        return (Path.home() / ".ray" / "auth_token").read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None
