"""A unit: one computation of the study, named by the hash of everything that bears on its result.

A unit is either a training (`train`) or the signature of a prompt under a transferability metric (`signature`). Its key
holds the backbone, the data, the hyper-parameters, the method and its version, the seed and the keys of its
dependencies; no path, host, device, launcher, stack width or worker count enters it, so the same unit has the same key
wherever it runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

from panda_ray.execution.canonical import canonical, canonical_json
from panda_ray.training.config import TrainConfig

UnitKind = Literal["train", "signature"]
Role = Literal["source_prompt", "teacher", "source_signature", "target_signature", "prompt"]
"""What a dependency is to the unit that needs it; `prompt` is the prompt whose signature is taken."""

KEY_FORMAT = 1
"""Raise it when the meaning of a key changes: every unit is then computed anew."""


@dataclass(frozen=True)
class BackboneRef:
    """Which frozen model: `identity` is its revision on the Hub, or the hash of its local files."""

    name: str
    identity: str


@dataclass(frozen=True)
class DataIdentity:
    """The part of a `DataRef` that enters a key."""

    task: str
    fingerprint: str
    template_version: int


@dataclass(frozen=True)
class DataRef:
    """Which rows: the task's name, the fingerprint of its (limited) rows and the version of its templates."""

    task: str
    fingerprint: str
    template_version: int
    max_train_rows: int | None = None
    max_dev_rows: int | None = None
    """The limits are already in the fingerprint; workers need them to load the same rows."""

    @property
    def identity(self) -> DataIdentity:
        """What of it bears on a result."""
        return DataIdentity(self.task, self.fingerprint, self.template_version)


@dataclass(frozen=True)
class Unit:
    """One node of the sweep's graph.

    Attributes:
        method: a name in `METHODS` for a training, in `METRICS` for a signature.
        data: what is trained on, or the task whose prompt is characterised.
        source: the donor task, if the method transfers from one.
        config: hyper-parameters of a training; `None` for a signature.
        options: the method's (or metric's) own options, as canonical data.
        dependencies: role to key.
    """

    kind: UnitKind
    method: str
    method_version: int
    backbone: BackboneRef
    data: DataRef
    seed: int
    source: str | None = None
    config: TrainConfig | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    dependencies: Mapping[Role, str] = field(default_factory=dict)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What the key is the hash of, as canonical data; also stored in the record, so that plans can show diffs."""
        described: dict[str, Any] = canonical(self._parts)
        return described

    @cached_property
    def key(self) -> str:
        """sha256 of the identity's canonical JSON: the unit's name in the store and in MLflow.

        The JSON of parts that many units share is made once: a plan has 100,000s of units.
        """
        parts = [f'"{name}":{_shared_json(part)}' for name, part in self._parts.items()]
        return hashlib.sha256(f"{{{','.join(parts)}}}".encode("ascii")).hexdigest()

    @property
    def task(self) -> str:
        return self.data.task

    @property
    def title(self) -> str:
        """For people: method, tasks and seed."""
        pair = self.task if self.source is None else f"{self.source} -> {self.task}"
        return f"{self.method} {pair} (seed {self.seed})"

    @property
    def _parts(self) -> dict[str, Any]:
        """What bears identity, in the order of canonical JSON."""
        return {
            "backbone": self.backbone,
            "config": self.config,
            "data": self.data.identity,
            "dependencies": self.dependencies,
            "format": KEY_FORMAT,
            "kind": self.kind,
            "method": self.method,
            "method_version": self.method_version,
            "options": self.options,
            "seed": self.seed,
            "source": self.source,
        }


def _shared_json(part: Any) -> str:
    return canonical_json(part) if isinstance(part, Mapping) else _cached_json(type(part).__name__, part)


@lru_cache(maxsize=4096)
def _cached_json(_type_name: str, part: Any) -> str:
    """The type is in the cache's key because 1, 1.0 and True are equal."""
    return canonical_json(part)
