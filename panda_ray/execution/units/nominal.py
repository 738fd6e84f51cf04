"""A sweep's catalog without its downloads: what is on this disk is read, the rest has its published size.

It is for planning ahead of the data. A nominal data set has a fingerprint that no rows have, so that its units can
neither be found in a store nor be run.
"""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.backbones import backbone_identity
from panda_ray.errors import InputError
from panda_ray.execution.units.catalog import Catalog, check_geometry
from panda_ray.execution.units.unit import BackboneRef, DataRef
from panda_ray.sweep import BackboneSection, Sweep, TaskSection
from panda_ray.tasks import get_task
from panda_ray.tasks.caching.survey import survey
from panda_ray.tasks.extent import Extent, nominal_extent
from panda_ray.tasks.hub import is_cached
from panda_ray.tasks.loading import MissingData
from panda_ray.tasks.task import HubOrigin, TaskSpec

_NOMINAL = "nominal"


@dataclass(frozen=True)
class NominalCatalog:
    """What a sweep would use.

    Attributes:
        catalog: of every task of the sweep; nothing is skipped.
        tasks: those whose rows are not here; `catalog` has their published number of rows.
        backbones: those whose identity is not known without the Hub.
    """

    catalog: Catalog
    tasks: tuple[str, ...]
    backbones: tuple[str, ...]


def nominal_catalog(sweep: Sweep) -> NominalCatalog:
    """The backbones and data sets of a sweep, as far as they are here; nothing of a data set is downloaded.

    Raises:
        InputError: for a local backbone that is not there, one with too few positions, or rows on this disk that cannot
            be trained on.
    """
    check_geometry(sweep)
    backbones = {section.name: _backbone(section) for section in sweep.backbones}
    data: dict[str, DataRef] = {}
    extents: dict[str, Extent] = {}
    for name in dict.fromkeys([*sweep.source_tasks, *sweep.targets]):
        task, own = get_task(name), sweep.tasks.get(name, TaskSection())
        fingerprint, extents[name] = _rows(task, sweep.data_root, own)
        data[name] = DataRef(name, fingerprint, task.template_version, own.max_train_rows, own.max_dev_rows)
    return NominalCatalog(
        Catalog(backbones, data, extents, ()),
        tuple(name for name, reference in data.items() if reference.fingerprint == _NOMINAL),
        tuple(name for name, reference in backbones.items() if reference.identity == _NOMINAL),
    )


def _backbone(section: BackboneSection) -> BackboneRef:
    try:
        return BackboneRef(section.name, backbone_identity(section.name, section.path))
    except InputError:
        if section.path is not None:
            raise
        return BackboneRef(section.name, _NOMINAL)


def _rows(task: TaskSpec, data_root: str | None, own: TaskSection) -> tuple[str, Extent]:
    """Fingerprint and extent of a task's rows."""
    if data_root is not None or not isinstance(task.origin, HubOrigin) or is_cached(task.origin):
        try:
            found = survey(task, data_root, own.max_train_rows, own.max_dev_rows)
        except MissingData:
            pass  # the published size stands in for the rows
        else:
            return found.fingerprint, found.extent
    return _NOMINAL, nominal_extent(task, min(task.train_rows, own.max_train_rows or task.train_rows))
