"""Where the command line writes: results on stdout, everything about them on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO

from rich.console import Console

_PIPED_WIDTH = 160
"""Columns when there is no terminal to ask: rich's 80 would fold tables that `grep` should see in one line."""


def _width(stream: TextIO | None) -> int | None:
    """None lets the terminal say; a stream that the parent process closed is None itself."""
    return None if stream is not None and stream.isatty() else _PIPED_WIDTH


stdout = Console(width=_width(sys.stdout), highlight=False)
stderr = Console(width=_width(sys.stderr), highlight=False, stderr=True)


def print_sentence(line: str) -> None:
    """A sentence on stdout: broken at words on a terminal, one line for whoever else reads it."""
    stdout.print(line, markup=False, soft_wrap=not stdout.is_terminal)


def print_json(value: Any) -> None:
    """One JSON object on stdout, indented, never wrapped."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_input_error(message: str) -> None:
    """What the user can mend, in red, on stderr."""
    stderr.print(message, style="red", markup=False, soft_wrap=True)


def print_note(note: str | None) -> None:
    """What the user should know besides the result, in yellow, on stderr; nothing where there is none."""
    if note is not None:
        stderr.print(note, style="yellow", markup=False, soft_wrap=True)
