"""The sweeps that are measured, all on the built-in backbone and tasks: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Described = Mapping[str, Any]

_WEIGHTS = (0.01, 0.02, 0.1, 0.2, 0.5, 1.0, 2.0)
_PAIRS = 45
"""Nine built-in sources times five targets."""


def trivial(storage: Path, units: int) -> Described:
    """Trainings of one step on eight rows, each a stack and so a trial of its own."""
    return {
        "name": "trivial",
        "storage": str(storage),
        "backbones": ["builtin-tiny"],
        "sources": ["remark"],
        "targets": ["remark"],
        "methods": ["prompt_tuning"],
        "seeds": list(range(units)),
        "training": {"epochs": 1, "prompt_len": 1, "max_len": 16, "batch_size": 8},
        "tasks": {"remark": {"max_train_rows": 8, "max_dev_rows": 8}},
        "resources": {"max_stack": 1},
    }


def million(storage: Path, cells: int) -> Described:
    """At least so many cells: every pair, many seeds, prompt tuning, PoT and eight PanDas."""
    variants = [
        {"method": "panda", "label": f"panda_{weight}", "options": {"kd_weight": weight}} for weight in _WEIGHTS
    ]
    per_seed = 5 + _PAIRS * (2 + len(variants))
    return {**_grid("million", storage, range(-(-cells // per_seed))), "methods": [*_METHODS, *variants]}


def finished(storage: Path, seeds: Sequence[int]) -> Described:
    """The quickstart's grid with as many dev rows, and hardly anything to train on: 191 units per seed."""
    tasks = ("review", "rating", "paraphrase", "likeness", "kinds", "follows", "names", "roles", "reading")
    targets = ("remark", "duplicate", "choice", "bulletin", "lookup")
    return {
        **_grid("finished", storage, seeds),
        "metrics": ["task_embedding", "e_avg", "on", "constant"],
        "training": {"epochs": 4, "prompt_len": 8, "max_len": 48, "dropout": 0},
        "tasks": {
            **{name: {"max_train_rows": 8, "max_dev_rows": 100} for name in tasks},
            **{name: {"max_train_rows": 8, "max_dev_rows": 150} for name in targets},
        },
    }


def write(sweep: Described, path: Path) -> Path:
    """The sweep as a file for the command line."""
    path.write_text(yaml.safe_dump(dict(sweep)), encoding="utf-8")
    return path


_METHODS = ("prompt_tuning", "pot", "panda")


def _grid(name: str, storage: Path, seeds: Sequence[int]) -> Described:
    return {
        "name": name,
        "storage": str(storage),
        "backbones": ["builtin-tiny"],
        "sources": "builtin",
        "targets": "builtin",
        "methods": list(_METHODS),
        "metrics": ["task_embedding"],
        "seeds": list(seeds),
        "training": {"prompt_len": 8, "max_len": 48},
    }
