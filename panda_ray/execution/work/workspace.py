"""What a process needs to run the stacks of a sweep, and what it keeps between them: backbones and encoded tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch

from panda_ray.backbones import Backbone, backbone_identity, load_backbone
from panda_ray.errors import InputError
from panda_ray.execution.planning.footprints import placement_of
from panda_ray.execution.store.memory_limits import Placement
from panda_ray.execution.units.unit import BackboneRef, DataRef
from panda_ray.sweep import ResourceSection, Sweep
from panda_ray.sweep.named_tasks import own_names
from panda_ray.tasks import TaskSpec, get_task
from panda_ray.tasks.caching.encoded import encoded_task
from panda_ray.tasks.caching.fetched import is_url
from panda_ray.tasks.caching.survey import survey
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.tasks.own import OwnTask, own_task
from panda_ray.tasks.rows.loading import TaskRows, load_rows

_KEPT_TASKS = 8
"""Encoded tasks that a process keeps; stacks of one task tend to follow each other."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Settings:
    """Where a sweep's inputs are and what one stack may use. None of it enters a key.

    Attributes:
        backbone_paths: name and local folder (or None) of each backbone.
        threads: of one stack; the same in every runner, because sums depend on it.
        own_tasks: what the sweep says of tasks whose rows are the user's own; no worker has them registered.
        activation_checkpointing: see `Backbone`.
        gpus: that a backbone is spread over.
        system_metrics: whether stacks say what their machine does.
    """

    data_root: str | None
    backbone_paths: tuple[tuple[str, str | None], ...]
    checkpoint_seconds: float
    threads: int
    own_tasks: tuple[OwnTask, ...] = ()
    activation_checkpointing: bool = False
    gpus: int = 1
    system_metrics: bool = False

    @property
    def placement(self) -> Placement:
        """Under which it is known what fits into memory."""
        return Placement(self.gpus, self.activation_checkpointing)

    @classmethod
    def of(cls, sweep: Sweep) -> Settings:
        """The settings of a sweep, independent of the working directory."""
        paths = tuple((section.name, _absolute(section.path)) for section in sweep.backbones)
        own = tuple(_with_absolute_paths(sweep.tasks[name].as_task(name)) for name in own_names(sweep.tasks))
        resources, placement = sweep.resources, placement_of(sweep.resources)
        return cls(
            _absolute(sweep.data_root),
            paths,
            resources.checkpoint_seconds,
            threads_of(resources),
            own,
            placement.activation_checkpointing,
            placement.gpus,
            sweep.tracking.system_metrics,
        )

    def on(self, resources: ResourceSection) -> Settings:
        """Likewise with what one stack may use on a kind of worker."""
        return replace(self, threads=threads_of(resources))


def threads_of(resources: ResourceSection) -> int:
    """Of one stack."""
    return max(1, int(resources.cpus_per_stack))


class Workspace:
    """Backbones and tasks of one process, loaded when they are first needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._paths = dict(settings.backbone_paths)
        self._backbones: dict[BackboneRef, Backbone] = {}
        self._tasks: dict[tuple[DataRef, BackboneRef, int], EncodedTask] = {}

    def backbone(self, ref: BackboneRef) -> Backbone:
        """The frozen model that was planned; only the last one used is kept.

        Raises:
            InputError: when its files are not here, or have changed since the sweep was planned.
        """
        return _kept(self._backbones, 1, ref, lambda: self._load_backbone(ref))

    def task(self, ref: DataRef, backbone: BackboneRef, max_len: int) -> EncodedTask:
        """The rows that were planned, encoded with the backbone's tokenizer.

        Raises:
            InputError: when the rows are not here, or have changed since the sweep was planned.
        """
        return _kept(self._tasks, _KEPT_TASKS, (ref, backbone, max_len), lambda: self._encode(ref, backbone, max_len))

    def spec(self, name: str) -> TaskSpec:
        """The task of that name, registered or of the user's own."""
        own = next((own for own in self.settings.own_tasks if own.name == name), None)
        return get_task(name) if own is None else own_task(own)

    @contextmanager
    def threads(self) -> Iterator[None]:
        """The number of threads that results are defined for, while the context lasts."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.settings.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _load_backbone(self, ref: BackboneRef) -> Backbone:
        path = self._paths[ref.name]
        if ref.identity.startswith("local:") and backbone_identity(ref.name, path) != ref.identity:
            raise InputError(f"backbone {ref.name!r}: {path} has changed since the sweep was planned; plan again")
        settings = self.settings
        return load_backbone(
            ref.name,
            path,
            identity=ref.identity,
            activation_checkpointing=settings.activation_checkpointing,
            gpus=settings.gpus,
        )

    def _encode(self, ref: DataRef, backbone: BackboneRef, max_len: int) -> EncodedTask:
        spec = self.spec(ref.task)
        found = survey(spec, self.settings.data_root, ref.max_train_rows, ref.max_dev_rows)
        _check_unchanged(ref, found.fingerprint, found.where)
        tokenizer = self.backbone(backbone).tokenizer
        return encoded_task(spec, ref.fingerprint, lambda: self._rows(ref), tokenizer, backbone.identity, max_len)

    def _rows(self, ref: DataRef) -> TaskRows:
        rows = load_rows(self.spec(ref.task), self.settings.data_root, ref.max_train_rows, ref.max_dev_rows)
        _check_unchanged(ref, rows.fingerprint, rows.train_where)
        return rows


def _check_unchanged(ref: DataRef, fingerprint: str, where: str) -> None:
    if fingerprint != ref.fingerprint:
        raise InputError(f"task {ref.task!r}: {where} has changed since the sweep was planned; plan again")


Address = TypeVar("Address")


def _kept(cache: dict[Address, Value], size: int, address: Address, make: Callable[[], Value]) -> Value:
    """The value at an address of a least-recently-used cache."""
    value = cache.pop(address) if address in cache else make()
    while len(cache) >= size:
        del cache[next(iter(cache))]
    cache[address] = value
    return value


def _with_absolute_paths(own: OwnTask) -> OwnTask:
    data, dev = _absolute(own.origin.data), _absolute(own.origin.dev)
    assert data is not None, "a task of one's own has rows"
    return replace(own, origin=replace(own.origin, data=data, dev=dev))


def _absolute(path: str | None) -> str | None:
    return path if path is None or is_url(path) else str(Path(path).expanduser().absolute())
