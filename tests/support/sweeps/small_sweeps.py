"""A sweep that trains in seconds, and ways to compare what two stores hold."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep

LONG = {"epochs": 12, "prompt_len": 4, "batch_size": 8}
"""A training that is long enough to be hit in the middle."""

SMALL = {"max_train_rows": 24, "max_dev_rows": 12}


def small_sweep(storage: Path | str, **changes: Any) -> Sweep:
    """Two sources, one target, three methods, every metric with an embedding; 14 units in 8 stacks."""
    described: dict[str, Any] = {
        "name": "small",
        "storage": str(storage),
        "backbones": ["builtin-tiny"],
        "sources": ["review", "kinds"],
        "targets": ["remark"],
        "methods": ["prompt_tuning", "pot", "panda"],
        "metrics": ["task_embedding"],
        "seeds": [1],
        "training": {"epochs": 3, "prompt_len": 4, "batch_size": 8},
        "tasks": dict.fromkeys(("review", "kinds", "remark", "paraphrase", "duplicate"), SMALL),
        "resources": {"checkpoint_seconds": 0.05},
    }
    return Sweep.model_validate(described | changes)


def planned(sweep: Sweep) -> tuple[Plan, Store]:
    store = Store(sweep.storage)
    return build_plan(sweep, store), store


def run_inline(sweep: Sweep) -> Plan:
    """Run what is missing in this process; everything must succeed."""
    plan, store = planned(sweep)
    summary = run_plan(plan, Costs.in_store(plan, store), store, InlineRunner())
    assert summary.complete, summary
    return plan


def contents(storage: Path) -> dict[str, Any]:
    """Per key: score, and the sha256 of each stored file."""
    store = Store(str(storage))
    assert store.done_keys() == {key for key, _ in store.records()}
    return {
        key: (record.get("score"), {name: file["sha256"] for name, file in record["files"].items()})
        for key, record in store.records()
    }


def fingerprints(storage: Path) -> dict[str, str]:
    """Per record file its hash and time of writing: equal where nothing was written again."""
    return {
        str(path.relative_to(storage)): f"{path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in storage.glob("units/*/*/record.json")
    }


def four_pairs(folder: Path, **changes: object) -> Sweep:
    """Two sources, two targets of the built-in suite: a cell per pair and per target."""
    described = {
        "name": "tiny",
        "storage": str(folder),
        "backbones": ["builtin-tiny"],
        "sources": ["review", "rating"],
        "targets": ["remark", "duplicate"],
        "methods": ["prompt_tuning", "pot"],
        "metrics": ["e_avg"],
        "seeds": [1],
    }
    return Sweep.model_validate(described | changes)


PER_KIND = ("remark", "rating", "choice", "bulletin", "lookup")
"""A task of the built-in suite of every kind that it has."""


def one_per_kind(storage: Path | str) -> Sweep:
    """Prompt tuning on those tasks; 5 units that train in a few seconds."""
    described = {
        "name": "kinds",
        "storage": str(storage),
        "backbones": ["builtin-tiny"],
        "sources": ["rating"],
        "targets": list(PER_KIND),
        "methods": ["prompt_tuning"],
        "seeds": [1],
        "training": {"epochs": 2, "prompt_len": 4, "max_len": 48, "batch_size": 8},
        "tasks": {task: {"max_train_rows": 24, "max_dev_rows": 24} for task in PER_KIND},
    }
    return Sweep.model_validate(described)
