"""A unit: one computation of the study, named by the hash of everything that bears on its result.

A unit makes either a prompt, by a training, or the embedding of one under a transferability metric. Its key
holds the backbone, the data, the hyper-parameters, the method and its version, the seed and the keys of its
dependencies; no path, host, device, launcher, stack width or worker count enters it, so the same unit has the same key
wherever it runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any, Literal

from panda_ray.execution.units.canonical import canonical, canonical_json
from panda_ray.sweep import sources_text
from panda_ray.training.config import TrainConfig

Product = Literal["prompt", "embedding"]
"""What a unit makes: a trained prompt, or the embedding that a transferability metric takes of one, or of a pair."""
Role = Literal["source_prompt", "teacher", "source_embedding", "target_embedding", "prompt"]
"""What a dependency is to the unit that needs it; `prompt` is the prompt whose embedding is taken."""

Dependencies = Mapping[Role, tuple[str, ...]]
"""Keys by role: one per source, in the order of the sources, where the role belongs to a source."""

KEY_FORMAT = 4
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
    template_version: int | str


@dataclass(frozen=True)
class DataRef:
    """Which rows: the task's name, the fingerprint of its (limited) rows and the version of its templates."""

    task: str
    fingerprint: str
    template_version: int | str
    max_train_rows: int | None = None
    max_dev_rows: int | None = None
    """The limits are already in the fingerprint; workers need them to load the same rows."""

    @property
    def identity(self) -> DataIdentity:
        """What of it bears on a result."""
        return DataIdentity(self.task, self.fingerprint, self.template_version)


@dataclass(frozen=True, slots=True)
class Unit:
    """One node of the sweep's graph.

    Attributes:
        method: a name in `METHODS` for a training, in `METRICS` for an embedding.
        data: what is trained on, or the task whose prompt is characterised.
        sources: the donor tasks: none, one, or several, in an order that may matter to the method.
        config: hyper-parameters of a training; `None` for an embedding.
        options: the method's (or metric's) own options, as canonical data; never changed once a unit has them.
        dependencies: keys by role.
        key: sha256 of the identity's canonical JSON: the unit's name in the store and in MLflow.
    """

    product: Product
    method: str
    method_version: int | str
    backbone: BackboneRef
    data: DataRef
    seed: int
    sources: tuple[str, ...] = ()
    config: TrainConfig | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    dependencies: Dependencies = field(default_factory=dict)
    key: str = field(init=False, compare=False)
    _shared_json: tuple[str, str] = field(init=False, compare=False, repr=False)
    """Canonical JSON of what `sibling` leaves alone: before the dependencies, and between them and the seed."""

    def __post_init__(self) -> None:
        identity = {name: canonical_json(part) for name, part in self._parts.items()}
        before = _members(identity, "backbone", "config", "data")
        between = _members(identity, "format", "method", "method_version", "options", "product")
        object.__setattr__(self, "_shared_json", (before, between))
        object.__setattr__(self, "key", self._hash())

    def sibling(self, seed: int, sources: tuple[str, ...], dependencies: Dependencies) -> Unit:
        """The same computation from another seed and other sources.

        It shares with this one all that is equal, the canonical JSON included: a plan has millions of units.
        """
        made = object.__new__(Unit)
        for name in _SHARED_BY_SIBLINGS:
            object.__setattr__(made, name, getattr(self, name))
        object.__setattr__(made, "seed", seed)
        object.__setattr__(made, "sources", sources)
        object.__setattr__(made, "dependencies", dependencies)
        object.__setattr__(made, "key", made._hash())
        return made

    @property
    def identity(self) -> dict[str, Any]:
        """What the key is the hash of, as canonical data; also stored in the record, so that plans can show diffs."""
        described: dict[str, Any] = canonical(self._parts)
        return described

    @property
    def task(self) -> str:
        return self.data.task

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Keys of everything that must be done before."""
        return tuple(chain.from_iterable(self.dependencies.values()))

    @property
    def title(self) -> str:
        """For people: method, tasks and seed."""
        transfer = f"{sources_text(self.sources)} -> {self.task}" if self.sources else self.task
        return f"{self.method} {transfer} (seed {self.seed})"

    @property
    def _parts(self) -> dict[str, Any]:
        """What bears identity, in the order of canonical JSON."""
        return {
            "backbone": self.backbone,
            "config": self.config,
            "data": self.data.identity,
            "dependencies": self.dependencies,
            "format": KEY_FORMAT,
            "method": self.method,
            "method_version": self.method_version,
            "options": self.options,
            "product": self.product,
            "seed": self.seed,
            "sources": self.sources,
        }

    def _hash(self) -> str:
        """The key, from canonical JSON put together of its parts; roles and keys are words, so nothing is escaped."""
        before, between = self._shared_json
        needed = ",".join([f'"{role}":{_words(self.dependencies[role])}' for role in sorted(self.dependencies)])
        described = (
            f'{{{before},"dependencies":{{{needed}}},{between},"seed":{self.seed},"sources":{_list(self.sources)}}}'
        )
        return hashlib.sha256(described.encode("ascii")).hexdigest()


_SHARED_BY_SIBLINGS = ("product", "method", "method_version", "backbone", "data", "config", "options", "_shared_json")


_BETWEEN = '","'


def _members(identity: Mapping[str, str], *names: str) -> str:
    """Some members of a JSON object, without its braces."""
    return ",".join(f'"{name}":{identity[name]}' for name in names)


def _words(words: tuple[str, ...]) -> str:
    """A JSON list of words, of which nothing is escaped."""
    return f'["{_BETWEEN.join(words)}"]' if words else "[]"


@lru_cache(maxsize=1024)
def _list(values: tuple[str, ...]) -> str:
    return canonical_json(values)
