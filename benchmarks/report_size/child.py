"""`panda-ray report` in this process, with what its parts take: `python -m benchmarks.report_size.child FILE OUT`.

The last line of its output is a JSON object. CPU seconds include those of the processes that a part made.
"""

from __future__ import annotations

import functools
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

PARTS = {
    "read_study": "reading",
    "sections_of": "analysis and figures",
    "render": "page",
    "log_report": "logging",
}
"""Functions that `reports/build.py` calls, and what is said of them."""


def main(sweep_file: str, out: str) -> None:
    """Make the report as the command line does."""
    from panda_ray.cli.app import main as command_line
    from panda_ray.reports import build

    parts = {"imports": {"seconds": round(time.monotonic() - _BEGAN, 1), "cpu_seconds": round(_cpu(), 1)}}
    for name, part in PARTS.items():
        setattr(build, name, _timed(getattr(build, name), part, parts))
    sys.argv = ["panda-ray", "report", sweep_file, "--out", out]
    try:
        command_line()
    except SystemExit as end:
        if end.code:
            raise
    own, largest = (resource.getrusage(who).ru_maxrss // 1024 for who in (_SELF, _CHILDREN))
    print(json.dumps({"parts": parts, "peak_mib": own, "peak_mib_of_its_largest_process": largest}))


_BEGAN = time.monotonic()
_SELF, _CHILDREN = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN


def _cpu() -> float:
    """Of this process and of those that it made and that ended."""
    return sum(os.times()[:4])


def _timed(work: Callable[..., Any], part: str, parts: dict[str, dict[str, float]]) -> Callable[..., Any]:
    @functools.wraps(work)
    def timed(*arguments: Any, **named: Any) -> Any:
        began, cpu = time.monotonic(), _cpu()
        try:
            return work(*arguments, **named)
        finally:
            parts[part] = {"seconds": round(time.monotonic() - began, 1), "cpu_seconds": round(_cpu() - cpu, 1)}

    return timed


if __name__ == "__main__":
    main(*sys.argv[1:])
