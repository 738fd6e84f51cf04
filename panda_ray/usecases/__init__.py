"""What panda_ray does for people, without a console: plan, simulate, run, status, report, track, export, data, ui.

A use case takes plain arguments and returns what it found as data, or raises `InputError`. Nothing here prints, reads a
command line or ends the process: the command line, and whoever else asks, says it in its own way. What trains needs the
engine (`engine.py`); everything else works without PyTorch, transformers and Ray.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

Busy = Callable[[str], AbstractContextManager[object]]
"""Called with what a use case is busy with; the context lasts as long. `contextlib.nullcontext` shows nothing."""
