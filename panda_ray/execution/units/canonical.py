"""Canonical JSON: the one byte string that a unit's key is the hash of.

Only values with one stable form are accepted; anything else raises instead of being turned into a string that may
change with a version, a host or a path.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical(value: Any) -> Any:
    """`value` as JSON data with one form: sorted string keys, lists for sequences, finite numbers only.

    Raises:
        TypeError: for a value without a stable form (an object, a set, a path, bytes).
        ValueError: for NaN or infinity.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} has no canonical form; use a finite number")
        return int(value) if value.is_integer() else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: canonical(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"key {key!r} of type {type(key).__name__} has no canonical form; use a string")
        return {key: canonical(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    raise TypeError(f"{value!r} of type {type(value).__name__} has no canonical form")


def canonical_json(value: Any) -> str:
    """`canonical(value)` as compact JSON."""
    return _ENCODER.encode(canonical(value))


def digest(value: Any) -> str:
    """sha256 of `canonical_json(value)` as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()
