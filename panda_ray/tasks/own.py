"""A task out of a user's own files: what they said of it, and what its rows say (classes, how many)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

from panda_ray.errors import InputError
from panda_ray.tasks.caching.disk import DiskCache, address
from panda_ray.tasks.caching.stamp import rows_stamp
from panda_ray.tasks.kinds import KINDS, TaskKind
from panda_ray.tasks.kinds.own.own_columns import MOST_CLASSES, KindName, MeasureName
from panda_ray.tasks.rows.own.own_rows import own_splits, read_own
from panda_ray.tasks.task import FileOrigin, Hyperparameters, TaskSpec

OWN_KINDS: Mapping[str, TaskKind] = {kind.name: kind for kind in KINDS if kind.own_columns is not None}
"""Those that a user's rows may be of, by name."""

_HYPERPARAMETERS = Hyperparameters(lr=1e-2, batch_size=32, epochs=60)
"""Those of the small targets of Table I (MRPC, STS-B)."""
_NOWHERE = FileOrigin("", None, dev_share=0.5, dev_seed=0)
_CACHE = DiskCache("own_tasks", limit_bytes=4 << 20)


@dataclass(frozen=True)
class OwnTask:
    """What a user says of a task of their own.

    Attributes:
        kind: name of one of `OWN_KINDS`.
        text, pair: columns whose texts are joined; of question answering the question and the context.
        choices: columns of the choices of multiple choice.
        label: column of the label.
        labels: names of the classes or tags in the order of their codes; those of the rows in order of the alphabet (or
            of the numbers that they are) if none are given.
        measure: the usual one of the kind unless given.
    """

    name: str
    origin: FileOrigin
    kind: KindName
    text: tuple[str, ...]
    pair: tuple[str, ...]
    choices: tuple[str, ...]
    label: str
    labels: tuple[str, ...]
    measure: MeasureName | None


def own_task(own: OwnTask) -> TaskSpec:
    """The task; its files are read once, until they change.

    Raises:
        InputError: the files are not there or cannot be read, lack a column, or hold one class or too many.
    """
    spec = _without_rows(own)
    found = json.loads(
        bytes(
            _CACHE.read_or_make(
                address([*rows_stamp(spec, None), str(astuple(own))]), lambda: json.dumps(_found(spec)).encode()
            )
        )
    )
    return replace(spec, labels=tuple(found["labels"]), train_rows=found["train_rows"])


def described(own: OwnTask, labels: tuple[str, ...]) -> dict[str, Any]:
    """JSON data that says what a task asks of a row, and nothing of where its rows were."""
    said = asdict(own)
    del said["name"], said["origin"]
    return {**said, "labels": labels}


def task_of_description(name: str, said: Mapping[str, Any]) -> TaskSpec:
    """The task that `described` gave, without rows of its own.

    Raises:
        InputError: it was not written by this version.
    """
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    try:
        return _without_rows(OwnTask(name, _NOWHERE, **fields))
    except (TypeError, KeyError) as error:
        raise InputError(f"the description of task {name!r} cannot be understood ({error})") from error


def _without_rows(own: OwnTask) -> TaskSpec:
    kind = OWN_KINDS[own.kind]
    assert kind.own_columns is not None, "one of these"
    first, second = kind.own_columns.templates(own.text, own.pair, own.choices)
    return TaskSpec(
        name=own.name,
        group="own",
        kind=kind,
        measure=own.measure or kind.own_columns.measures[0],
        origin=own.origin,
        hyperparameters=_HYPERPARAMETERS,
        train_rows=0,
        columns=tuple(dict.fromkeys((*own.text, *own.pair, *own.choices, own.label))),
        labels=own.labels or own.choices,
        first=first,
        second=second,
        label_column=own.label,
        is_target=True,
    )


def _found(spec: TaskSpec) -> dict[str, Any]:
    """What the rows say: names of their labels where none were given, and how many are trained on."""
    assert isinstance(spec.origin, FileOrigin)
    named = replace(spec, labels=_labels(spec, spec.origin))
    train, _ = own_splits(named, spec.origin, None, None)
    return {"labels": named.labels, "train_rows": len(train.rows)}


def _labels(spec: TaskSpec, origin: FileOrigin) -> tuple[str, ...]:
    if spec.labels or not spec.kind.has_label_names:
        return spec.labels
    tables = [read_own(spec, place) for place in (origin.data, origin.dev) if place is not None]
    rows = [row for table in tables for row in table.rows]
    names = sorted(set(_names(spec, rows)), key=_natural)
    where = f"{origin.data}, column {spec.label_column!r}"
    if len(names) == 1:
        raise InputError(f"{where}: every label is {names[0]!r}; at least two are needed")
    if len(names) > MOST_CLASSES or (spec.kind.has_classes and len(names) > max(2, len(rows) / 2)):
        raise InputError(
            f"{where}: {len(names):,} different labels in {len(rows):,} rows; at most {MOST_CLASSES:,}, and half of "
            "the rows, can be learnt: name another column, or `kind: regression` for numbers"
        )
    return tuple(names)


def _names(spec: TaskSpec, rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        label = row[spec.label_column]
        yield from (name for name in (label if isinstance(label, list) else [label]) if isinstance(name, str))


def _natural(name: str) -> tuple[bool, float, str]:
    """Numbers by their size and before words, "O" (no span) before other tags."""
    try:
        return False, float(name), name
    except ValueError:
        return name != "O", 0.0, name
