"""What stands between the command line and the streams that it was given.

No secret of a URI is written, whoever writes: messages, JSON, tracebacks. A character that the stream's encoding lacks
becomes `?`. A reader that went away (`| head`) is no reason to end a run: what follows is dropped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

from panda_ray.secrets import redacted


class Guarded:
    """A text stream that writes what may be shown and can be."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        shown = redacted(text)
        try:
            self._stream.write(shown)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            self._stream.write(shown.encode(encoding, "replace").decode(encoding))
        except BrokenPipeError:
            self._forget()
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._forget()

    def _forget(self) -> None:
        """Let what is still buffered, and everything later, go nowhere; Python flushes once more at its end."""
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Guard stdout and stderr while the context lasts; one that was closed by the parent process goes nowhere."""
    before = sys.stdout, sys.stderr
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout, sys.stderr = (cast(TextIO, Guarded(stream or nowhere)) for stream in before)
        try:
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            sys.stdout, sys.stderr = before
