"""The text of a file that somebody names, or one sentence that says why there is none."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.plain_text import decode


def file_text(path: str, what: str, most_bytes: int, known: Iterable[Collection[str]], where: str = "") -> str:
    """Read a whole file of people's.

    Args:
        what: it should be, for messages: "sweep file".
        most_bytes: that are read.
        known: names that may have been meant where there is no such file; the nearest of the first that have one is
            proposed.
        where: place that names the file.

    Raises:
        InputError: it is not there, no regular file, too large, or no UTF-8 text.
    """
    place = f"{where}: " if where else ""
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{place}{path} is a folder; give a {what}")
        if not stat.S_ISREG(mode):
            raise InputError(f"{place}{path} is not a regular file; a pipe or a device cannot be a {what}")
        with Path(path).open("rb") as file:
            content = file.read(most_bytes + 1)
    except FileNotFoundError:
        near = [match for names in known for match in difflib.get_close_matches(path, names, 1, 0.4)]
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"{place}no {what} {path!r}{hint}") from None
    except OSError as error:
        raise InputError(f"{place}{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(content) > most_bytes:
        most = f"{most_bytes >> 20} MiB" if most_bytes >> 20 else f"{most_bytes >> 10} KiB"
        raise InputError(f"{place}{path}: more than {most}; that is no {what}")
    return decode(content, path)
