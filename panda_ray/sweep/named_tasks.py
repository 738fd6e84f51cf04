"""The tasks that a sweep's names stand for: those that are registered, and those of the user's own files."""

from __future__ import annotations

from collections.abc import Mapping

from panda_ray.errors import InputError
from panda_ray.sweep.hyperparameters import TaskSection
from panda_ray.tasks import TaskSpec, get_task
from panda_ray.tasks.own import own_task

Tasks = Mapping[str, TaskSection]
"""A sweep's `tasks`."""


def own_names(tasks: Tasks) -> list[str]:
    """Names of the tasks whose rows are the user's own."""
    return [name for name, section in tasks.items() if section.data is not None]


def task_of(name: str, tasks: Tasks) -> TaskSpec:
    """The task that a sweep calls `name`.

    Raises:
        InputError: for an unknown name, or rows of the user's own that cannot be read; the message says whose.
    """
    section = tasks.get(name)
    if section is None or section.data is None:
        return get_task(name)
    try:
        return own_task(section.as_task(name))
    except InputError as error:
        raise InputError(f"tasks.{name}: {error}") from error
