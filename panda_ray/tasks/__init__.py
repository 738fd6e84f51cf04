"""The tasks of the study, registered in one explicit tuple: a new data set is one literal and one entry here."""

from __future__ import annotations

from panda_ray.registry import Registry
from panda_ray.tasks.specs.builtin import BUILTIN_TASKS
from panda_ray.tasks.specs.glue import GLUE_TASKS
from panda_ray.tasks.specs.heldout import HELDOUT_TASKS
from panda_ray.tasks.specs.ner_srl import TAGGING_TASKS
from panda_ray.tasks.specs.qa import QA_TASKS
from panda_ray.tasks.specs.superglue import SUPERGLUE_TASKS
from panda_ray.tasks.task import TaskSpec

PAPER_TASKS: tuple[TaskSpec, ...] = (*SUPERGLUE_TASKS, *GLUE_TASKS, *QA_TASKS, *TAGGING_TASKS)
"""The 21 tasks of the paper's Table I, in its order."""

TASKS: Registry[TaskSpec] = Registry("task", (*PAPER_TASKS, *BUILTIN_TASKS, *HELDOUT_TASKS))
"""Every task that a sweep may name."""

PAPER_SOURCES: tuple[str, ...] = tuple(task.name for task in PAPER_TASKS if task.is_source)
"""Source tasks, in the order of Table I."""

PAPER_TARGETS: tuple[str, ...] = ("cb", "copa", "wsc", "rte", "wic", "cola", "mrpc", "stsb", "conll04")
"""Target tasks, in the column order of the paper's Table II."""


def get_task(name: str) -> TaskSpec:
    """The task called `name`.

    Raises:
        InputError: for an unknown name, with the nearest known one.
    """
    return TASKS.get(name)


__all__ = ["PAPER_SOURCES", "PAPER_TARGETS", "PAPER_TASKS", "TASKS", "TaskSpec", "get_task"]
