"""A command line that says how far it is.

    python -m support.processes.moments FILE COMMAND...

adds a line to FILE at each moment.

Every part is the real one; in front of some calls a word is written, so that another process can hit what follows.
"""

from __future__ import annotations

import functools
import importlib
import sys
import time
from pathlib import Path
from typing import Any

MOMENTS = {
    "planning": ("panda_ray.execution.planning.plan", "plan_from"),
    "starting": ("ray", "init"),
    "tracking": ("panda_ray.tracking.mlflow", "MlflowTracker.on_finished"),
    "reporting": ("panda_ray.reports.build", "build_report"),
}
"""Word to what comes right after it."""


def announce(file: Path) -> None:
    for word, (module, path) in MOMENTS.items():
        owner: Any = importlib.import_module(module)
        *owners, name = path.split(".")
        for part in owners:
            owner = getattr(owner, part)
        setattr(owner, name, _announced(getattr(owner, name), word, file))


def _announced(function: Any, word: str, file: Path) -> Any:
    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        with file.open("a") as log:
            log.write(f"{word}\n")
        return function(*arguments, **named)

    return call


def wait_until(file: Path, word: str, seconds: float = 240) -> None:
    """Wait in another process for a word."""
    deadline = time.monotonic() + seconds
    while not file.exists() or word not in file.read_text().split():
        assert time.monotonic() < deadline, f"{word} was not reached"
        time.sleep(0.02)


if __name__ == "__main__":
    from panda_ray.cli import main

    announce(Path(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    main()
