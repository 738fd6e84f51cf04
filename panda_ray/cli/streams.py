"""What stands between the command line and the streams that it was given.

No secret of a URI is written, whoever writes: messages, JSON, tracebacks. A character that the stream's encoding lacks
becomes `?`. A reader that went away (`| head`) or a full disk is no reason to end a run: what follows is dropped, and
output that was lost is told at the end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

from panda_ray.secrets import redacted

EXIT_LOST = 1


class Guarded:
    """A text stream that writes what may be shown and can be.

    Attributes:
        is_gone: whether what is written goes nowhere, because its reader went away or it takes nothing any more.
        problem: why it takes nothing any more.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_gone = False
        self.problem: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        shown = redacted(text)
        try:
            self._stream.write(shown)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            self._stream.write(shown.encode(encoding, "replace").decode(encoding))
        except OSError as error:
            self._forget(error)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._forget(error)

    def _forget(self, error: OSError) -> None:
        """Let what is still buffered, and everything later, go nowhere; Python flushes once more at its end."""
        self.is_gone = True
        if not isinstance(error, BrokenPipeError):
            self.problem = self.problem or error.strerror or str(error)
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Guard stdout and stderr while the context lasts; one that was closed by the parent process goes nowhere.

    Raises:
        SystemExit: with status 1, when what was written on stdout could not be.
    """
    before = sys.stdout, sys.stderr
    with Path(os.devnull).open("w") as nowhere:
        out, err = (Guarded(stream or nowhere) for stream in before)
        sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
        try:
            yield
        except SystemExit as ended:
            out.flush()
            if out.problem is None or ended.code:
                raise
        finally:
            out.flush()
            if out.problem is not None:
                err.write(f"the output cannot be written: {out.problem}\n")
            err.flush()
            sys.stdout, sys.stderr = before
        if out.problem is not None:
            sys.exit(EXIT_LOST)
