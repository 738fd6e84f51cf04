"""What the doctor finds on the head, with a sweep as it would run there."""

from __future__ import annotations

from typing import Any

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.usecases.doctor.case import Case, Finding
from panda_ray.usecases.doctor.examine import Examination, examine
from panda_ray.usecases.on_head.home import find_home


def check_up(sweep: Sweep | None, fix: bool) -> dict[str, Any]:
    """JSON data of an examination.

    Args:
        fix: mend what can be mended safely.
    """
    try:
        home = find_home()
    except InputError as error:
        found = examine(Case(sweep, "auto"), fix)
        return Examination(found.facts, [Finding("storage", "failure", str(error)), *found.findings]).data
    return examine(Case(None if sweep is None else home.settle(sweep), "auto", home), fix).data
