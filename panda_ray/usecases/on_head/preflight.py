"""The preflight of a sweep, on the cluster that shall run it: what there is, what lacks, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from panda_ray.clusters.code import installed_code
from panda_ray.errors import InputError
from panda_ray.execution.costs.ahead import Ahead
from panda_ray.execution.store.store import Store
from panda_ray.secrets import public
from panda_ray.sweep import Sweep
from panda_ray.tracking.writing.provenance import versions
from panda_ray.usecases.on_head.home import find_home
from panda_ray.usecases.on_head.submissions import Submissions, known_submission


def check_sweep(sweep: Sweep) -> dict[str, Any]:
    """JSON data, without secrets.

    Raises:
        InputError: the cluster names no storage.

    Returns:
        `versions`; `installed`: hash of the code that is here without what the job brought; `submission`: the last one
        of the sweep, or None; `storage`: of the sweep here; `missing`: folders that are not here. Where none is
        missing, `cells`, `done`, `stacks` and `ahead`, or the `problem` for which the sweep cannot run here.
    """
    home = find_home()
    settled = home.settle(sweep)
    submission = Submissions(home).find(sweep.name)
    missing = [path for path in folders_of(settled) if not Path(path).expanduser().is_dir()]
    return {
        "versions": dict(versions()),
        "installed": installed_code(),
        "submission": None if submission is None else submission.summary,
        "storage": public(settled.storage),
        "missing": missing,
        **({} if missing else _outlook(settled)),
    }


def look_up(name: str) -> dict[str, Any]:
    """Likewise `installed` and `submission` for what was submitted last under a name.

    Raises:
        InputError: nothing was.
    """
    return {"installed": installed_code(), "submission": known_submission(name).summary}


def folders_of(sweep: Sweep) -> Iterator[str]:
    """What a sweep reads from folders: data sets and models."""
    if sweep.data_root is not None:
        yield sweep.data_root
    yield from (section.path for section in sweep.backbones if section.path is not None)


def _outlook(sweep: Sweep) -> dict[str, Any]:
    """What is left of it, its data read and its storage tried here."""
    from panda_ray.usecases.plan import plan_sweep

    try:
        store = Store(sweep.storage)
        store.check_writable()
        outlook = plan_sweep(sweep)
    except InputError as error:
        return {"problem": str(error)}
    plan = outlook.plan
    return {
        "cells": len(plan.cells),
        "done": sum(cell.key in plan.done for cell in plan.cells),
        "stacks": len(plan.stacks),
        "ahead": _ahead(outlook.ahead) if plan.stacks else None,
    }


def _ahead(ahead: Ahead) -> dict[str, Any]:
    return {
        "device": str(ahead.device),
        "hours_of": ahead.processor,
        "seconds": ahead.seconds,
        "hours": ahead.hours(ahead.seconds),
        "price": ahead.price,
        "currency": ahead.sweep.prices.currency,
        "measured": ahead.by_basis.get("measured", 0.0) / ahead.seconds if ahead.seconds else 0.0,
    }
