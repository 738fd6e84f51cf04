"""Suites: a list of tasks by one word, `sources: paper`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from panda_ray.errors import unknown_name
from panda_ray.sweep_file.yaml_source import Places
from panda_ray.tasks import PAPER_SOURCES, PAPER_TARGETS
from panda_ray.tasks.specs.builtin import BUILTIN_TASKS
from panda_ray.tasks.specs.heldout import HELDOUT_TASKS

SUITES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "sources": {
        "paper": PAPER_SOURCES,
        "builtin": tuple(task.name for task in BUILTIN_TASKS if task.is_source),
        "heldout": tuple(task.name for task in HELDOUT_TASKS if task.is_source),
    },
    "targets": {
        "paper": PAPER_TARGETS,
        "paper_sources": PAPER_SOURCES,
        "builtin": tuple(task.name for task in BUILTIN_TASKS if task.is_target),
        "heldout": tuple(task.name for task in HELDOUT_TASKS if task.is_target),
    },
}
"""The tasks of each suite, by the field of a sweep that it stands in."""


def expand_suites(data: dict[str, Any], places: Places) -> list[str]:
    """Replace a suite's name by its tasks, in place; one sentence per name that is no suite."""
    problems = []
    for key, suites in SUITES.items():
        value = data.get(key)
        if isinstance(value, str) and value in suites:
            data[key] = list(suites[value])
        elif isinstance(value, str):
            problems.append(f"{unknown_name('suite', value, suites, places.find((key,)))}; tasks by name go in a list")
    return problems
