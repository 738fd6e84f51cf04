"""The backbones and data sets that a sweep names, identified by their content before anything is planned.

A run needs all of them. Planning ahead of the data downloads none: what is not on this disk is *nominal*, with its
published size and an identity that no content has, so that its units can neither be found in a store nor be run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from panda_ray.backbones import backbone_identity, backbone_sizes, check_positions
from panda_ray.errors import InputError
from panda_ray.execution.units.unit import BackboneRef, DataRef
from panda_ray.sweep import BackboneSection, Sweep
from panda_ray.sweep.hyperparameters import TaskSection
from panda_ray.sweep.named_tasks import task_of
from panda_ray.tasks import TASKS
from panda_ray.tasks.caching.survey import survey
from panda_ray.tasks.extent import Extent, nominal_extent
from panda_ray.tasks.rows.hub import is_cached
from panda_ray.tasks.rows.loading import MissingData
from panda_ray.tasks.task import HubOrigin, TaskSpec

_NOMINAL = "nominal"


@dataclass(frozen=True)
class Catalog:
    """What a sweep can use.

    Attributes:
        backbones, data: by name, in the order of the sweep file.
        extents: how much each task is.
        skipped: tasks whose rows are absent, with the reason.
    """

    backbones: Mapping[str, BackboneRef]
    data: Mapping[str, DataRef]
    extents: Mapping[str, Extent]
    skipped: tuple[tuple[str, str], ...]

    @property
    def nominal_tasks(self) -> tuple[str, ...]:
        """Tasks whose rows are not here; `extents` has their published number of rows."""
        return tuple(name for name, reference in self.data.items() if reference.fingerprint == _NOMINAL)

    @property
    def nominal_backbones(self) -> tuple[str, ...]:
        """Backbones whose identity is not known without the Hub."""
        return tuple(name for name, reference in self.backbones.items() if reference.identity == _NOMINAL)


def read_catalog(sweep: Sweep, *, download: bool = True) -> Catalog:
    """Find and hash every backbone and data set of a sweep.

    Args:
        download: data sets that this disk lacks. Otherwise they are nominal, and so is a backbone of the Hub that
            cannot be looked up; no task is skipped.

    Raises:
        InputError: for a backbone that is not there or has too few positions, or rows that cannot be trained on.
    """
    _check_geometry(sweep)
    backbones = {section.name: BackboneRef(section.name, _identity(section, download)) for section in sweep.backbones}
    data, extents, skipped = {}, {}, []
    for name in dict.fromkeys([*sweep.source_tasks, *sweep.targets]):
        task, own = task_of(name, sweep.tasks), sweep.tasks.get(name, TaskSection())
        try:
            fingerprint, extents[name] = _rows(task, sweep.data_root, own, download)
        except MissingData as error:
            skipped.append((name, str(error)))
            continue
        data[name] = DataRef(name, fingerprint, _version(task, own), own.max_train_rows, own.max_dev_rows)
    return Catalog(backbones, data, extents, tuple(skipped))


def _check_geometry(sweep: Sweep) -> None:
    """Whether every backbone has room for prompt and text; none of them is loaded."""
    training = sweep.training
    for section in sweep.backbones:
        positions = backbone_sizes(section.name, section.path).positions
        check_positions(section.name, positions, training.prompt_len, training.max_len, training.position_offset)


def _identity(section: BackboneSection, download: bool) -> str:
    try:
        return backbone_identity(section.name, section.path)
    except InputError:
        if download or section.path is not None:
            raise
        return _NOMINAL


def _version(task: TaskSpec, own: TaskSection) -> int | str:
    """Of the templates, in keys; a task of the user's own files is in no registry."""
    version = task.template_version
    return version if own.data is not None else TASKS.version_in_keys(task.name, version)


def _rows(task: TaskSpec, data_root: str | None, own: TaskSection, download: bool) -> tuple[str, Extent]:
    """Fingerprint and extent of a task's rows."""
    if download or data_root is not None or not isinstance(task.origin, HubOrigin) or is_cached(task.origin):
        try:
            found = survey(task, data_root, own.max_train_rows, own.max_dev_rows)
        except MissingData:
            if download:
                raise
        else:
            return found.fingerprint, found.extent
    return _NOMINAL, nominal_extent(task, min(task.train_rows, own.max_train_rows or task.train_rows))
