"""The preflight of a sweep, on the cluster that shall run it: what there is, what lacks, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from panda_ray.errors import InputError
from panda_ray.execution.costs.ahead import Ahead
from panda_ray.execution.planning.plan import Plan
from panda_ray.secrets import public
from panda_ray.sweep import Sweep
from panda_ray.usecases.doctor.case import Case, Check, Finding
from panda_ray.usecases.doctor.examine import CHECKS, examine
from panda_ray.usecases.doctor.machine import installed
from panda_ray.usecases.doctor.sweep_inputs import folders_of
from panda_ray.usecases.on_head.home import Home, find_home
from panda_ray.usecases.on_head.submissions import Submissions, known_submission

_SERVICES: Mapping[str, Check] = {name: CHECKS[name] for name in ("storage", "tracking")}
"""Without these a sweep cannot run."""

_MACHINES: Mapping[str, Check] = {name: CHECKS[name] for name in ("disk", "token", "nodes")}
"""For whoever reads what they find: it may run all the same, on other nodes or with nodes that come."""


def check_sweep(sweep: Sweep) -> dict[str, Any]:
    """JSON data, without secrets.

    Raises:
        InputError: the cluster names no storage.

    Returns:
        `versions`, without what the job brought; `submission`: the last one of the sweep, or None; `storage`: of the
        sweep here; `missing`: folders that are not here. Where none is missing, the `problem` for which the sweep
        cannot run here, or `cells`, `done`, `stacks`, `ahead`, whether a node that is up `holds_stack`, and
        `findings`: of the doctor, but for what is well.
    """
    home = find_home()
    settled = home.settle(sweep)
    submission = Submissions(home).find(sweep.name)
    missing = [path for path in folders_of(settled) if not Path(path).expanduser().exists()]
    return {
        "versions": installed(),
        "submission": None if submission is None else submission.summary,
        "storage": public(settled.storage),
        "missing": missing,
        **({} if missing else _outlook(home, settled)),
    }


def look_up(name: str) -> dict[str, Any]:
    """Likewise `versions` and `submission` for what was submitted last under a name.

    Raises:
        InputError: nothing was.
    """
    return {"versions": installed(), "submission": known_submission(name).summary}


def _outlook(home: Home, sweep: Sweep) -> dict[str, Any]:
    """What is left of it, its data read, its storage and tracking server tried, and all nodes asked."""
    from panda_ray.usecases.plan import plan_sweep

    case = Case(sweep, "auto", home)
    services = examine(case, checks=_SERVICES)
    if (failure := next((found for found in services.findings if found.state == "failure"), None)) is not None:
        return {"problem": "; ".join(filter(None, (failure.says, failure.remedy)))}
    try:
        outlook = plan_sweep(sweep)
    except InputError as error:
        return {"problem": str(error)}
    plan = outlook.plan
    beside = examine(case, checks=_MACHINES).findings if plan.stacks else ()
    findings = [*_left_out(plan), *services.findings, *beside]
    return {
        "cells": len(plan.cells),
        "done": sum(cell.key in plan.done for cell in plan.cells),
        "stacks": len(plan.stacks),
        "ahead": _ahead(outlook.ahead) if plan.stacks else None,
        "holds_stack": case.facts.get("holds_stack", True),
        "findings": [found.data for found in findings if found.state != "ok"],
    }


def _left_out(plan: Plan) -> Iterator[Finding]:
    for _, reason in plan.skipped:
        yield Finding("data", "warning", reason, "cells that need it are left out")


def _ahead(ahead: Ahead) -> dict[str, Any]:
    return {
        "device": str(ahead.device),
        "hours_of": ahead.processor,
        "seconds": ahead.seconds,
        "hours": ahead.hours(ahead.seconds),
        "price": ahead.price,
        "currency": ahead.currency,
        "measured": ahead.by_basis.get("measured", 0.0) / ahead.seconds if ahead.seconds else 0.0,
    }
