"""Names of label codes that a Parquet file declares: what `datasets` stores in its schema, held against a task's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from panda_ray.errors import InputError
from panda_ray.tasks.task import TaskSpec

if TYPE_CHECKING:
    from datasets import Features

_METADATA = b"huggingface"


def declared_labels(path: Path, schema: pa.Schema, column: str) -> tuple[str, ...] | None:
    """Label names that `datasets` stored in a file's schema for a column (or its list elements), if any.

    Raises:
        InputError: for a description that cannot be understood, as it may say that codes mean something else.
    """
    stored = (schema.metadata or {}).get(_METADATA)
    if stored is None:
        return None
    try:
        described = (json.loads(stored).get("info") or {}).get("features") or {}
        feature = _features(described, column).get(column)
    except Exception as error:  # anything may be written there
        raise InputError(
            f"{path}: the schema's 'huggingface' metadata cannot be understood ({first_line(error)}), so nobody "
            f"knows what the codes of column {column!r} mean; write the file again without it or with a right one"
        ) from error
    while feature is not None and not hasattr(feature, "names"):
        feature = getattr(feature, "feature", None)
    names = None if feature is None else tuple(feature.names)
    says_nothing = names is None or names == tuple(map(str, range(len(names))))
    return None if says_nothing else names


def _features(described: Any, column: str) -> Features:
    """One column's feature, out of a mapping as in files or out of a list as in a repository's README."""
    from datasets import Features

    if isinstance(described, list):
        return Features._from_yaml_list([each for each in described if each["name"] == column])
    return Features.from_dict({name: feature for name, feature in described.items() if name == column})


def check_declared_labels(spec: TaskSpec, path: Path, declared: tuple[str, ...] | None) -> None:
    """Raise `InputError` where a file's names are others than a task's."""
    if declared is not None and spec.labels and declared != spec.labels:
        raise InputError(
            f"{path}: column {spec.label_column!r} declares the labels {', '.join(declared)}; task {spec.name!r} codes "
            f"them as {', '.join(spec.labels)}, in this order"
        )


def first_line(error: Exception) -> str:
    """An error's reason in one line."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
