"""The backbones and data sets that a sweep names, identified by their content before anything is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from panda_ray.backbones import backbone_identity, backbone_sizes, check_positions
from panda_ray.execution.units.unit import BackboneRef, DataRef
from panda_ray.sweep import Sweep, TaskSection
from panda_ray.tasks import get_task
from panda_ray.tasks.caching.survey import survey
from panda_ray.tasks.extent import Extent
from panda_ray.tasks.loading import MissingData


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


def read_catalog(sweep: Sweep) -> Catalog:
    """Find and hash every backbone and data set of a sweep.

    Raises:
        InputError: for a backbone that is not there or has too few positions, or rows that cannot be trained on.
    """
    check_geometry(sweep)
    backbones = {
        section.name: BackboneRef(section.name, backbone_identity(section.name, section.path))
        for section in sweep.backbones
    }
    data, extents, skipped = {}, {}, []
    for name in dict.fromkeys([*sweep.source_tasks, *sweep.targets]):
        task = get_task(name)
        own = sweep.tasks.get(name, TaskSection())
        try:
            found = survey(task, sweep.data_root, own.max_train_rows, own.max_dev_rows)
        except MissingData as error:
            skipped.append((name, str(error)))
            continue
        data[name] = DataRef(name, found.fingerprint, task.template_version, own.max_train_rows, own.max_dev_rows)
        extents[name] = found.extent
    return Catalog(backbones, data, extents, tuple(skipped))


def check_geometry(sweep: Sweep) -> None:
    """Whether every backbone has room for prompt and text; none of them is loaded.

    Raises:
        InputError: for one that has not, or is not there.
    """
    training = sweep.training
    for section in sweep.backbones:
        positions = backbone_sizes(section.name, section.path).positions
        check_positions(section.name, positions, training.prompt_len, training.max_len, training.position_offset)
