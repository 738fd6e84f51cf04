"""Records as bytes: sealed with a checksum when they are written, and looked at closely when they are read.

The seal tells damage, not intent: anybody can compute one. So a record counts only if everything that a reader relies
on has the type that it should have, and if its files have names of files. Whatever else it holds is not looked at.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Record = Mapping[str, Any]
"""A stored result as JSON data; `files` maps a name to its `path` in the folder, `sha256` and `bytes`."""

LARGEST_FILE = 2 << 30
"""Bytes of the largest file that a record may name."""

LONGEST_HOST = 253
"""Characters of the longest name of a host."""

_SEAL = b', "seal": "'
_NUMBERS = frozenset((float, int, type(None)))
_KEY = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_HOST = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_HOST}}}")


def is_key(key: object) -> bool:
    """Whether this can be the key of a unit."""
    return isinstance(key, str) and _KEY.fullmatch(key) is not None


def is_host(name: object) -> bool:
    """Whether this can be the name of a machine: it is shown to people as it is."""
    return isinstance(name, str) and _HOST.fullmatch(name) is not None


def seal(record: Record) -> bytes:
    """The record as JSON whose last member is a checksum of the bytes before it."""
    content = json.dumps(record, sort_keys=True, allow_nan=False).encode()[:-1]
    return content + _SEAL + _sha256(content).encode() + b'"}'


def unsealed(data: bytes) -> Record | None:
    """The record in bytes that `unseal` has found right in this process."""
    record: Record | None = parse(data)
    return record


def unseal(key: str, data: bytes | None) -> Record | None:
    """The record in these bytes, or None if they are not what was written for this key."""
    content, found, rest = (data or b"").rpartition(_SEAL)
    if not found or rest != _sha256(content).encode() + b'"}':
        return None
    record = parse(data or b"")
    return record if isinstance(record, dict) and record.get("key") == key and _is_record(record) else None


def parse(data: bytes) -> Any:
    """JSON, or None for anything else; a number beyond the range of floats is infinite."""
    try:
        return json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _is_record(record: Record) -> bool:
    wanted = _WANTED.get(record["product"]) if isinstance(record.get("product"), str) else None
    if wanted is None or not _are_files(record.get("files")):
        return False
    return all(name in record and is_right(record[name]) for name, is_right in wanted.items()) and all(
        is_right(record[name]) for name, is_right in _OPTIONAL.items() if name in record
    )


def _are_files(files: Any) -> bool:
    return isinstance(files, dict) and all(_is_name(name) and _is_file(file) for name, file in files.items())


def _is_file(file: Any) -> bool:
    return (
        isinstance(file, dict)
        and _is_name(file.get("path"))
        and is_key(file.get("sha256"))
        and _is_count(file.get("bytes"))
        and file["bytes"] <= LARGEST_FILE
    )


def _are_inputs(inputs: object) -> bool:
    return isinstance(inputs, dict) and all(
        isinstance(files, list) and all(map(_is_input, files)) for files in inputs.values()
    )


def _is_input(file: object) -> bool:
    return (
        isinstance(file, dict) and is_key(file.get("key")) and _is_name(file.get("file")) and is_key(file.get("sha256"))
    )


def _is_name(name: object) -> bool:
    """A plain name of a file: no path leads anywhere else."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None and name != "record.json"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_hosts(value: object) -> bool:
    return isinstance(value, list) and all(map(is_host, value))


def _is_number(value: object) -> bool:
    return (type(value) is float and math.isfinite(value)) or (type(value) is int and abs(value) < 2**63)


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


def _are_numbers(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_some(value: object) -> bool:
    return _is_count(value) and value != 0


def _are_workers(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_some, value))  # none of a prompt that was trained elsewhere


def _is_seed(value: object) -> bool:
    return type(value) is int


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


def _is_history(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_epoch, value))


def _is_epoch(value: object) -> bool:
    """Numbers by name; there are hundreds in a record, so that none is looked at by itself."""
    if not isinstance(value, dict) or not _NUMBERS.issuperset(map(type, value.values())):
        return False
    try:
        return math.isfinite(sum(filter(None, value.values())))
    except OverflowError:
        return False


def _is_identity_of_training(value: object) -> bool:
    """With what others read of a training that theirs depends on."""
    config = value.get("config") if isinstance(value, dict) else None
    return (
        isinstance(config, dict)
        and _is_count(config.get("max_len"))
        and _is_text(config.get("initialization"))
        and _is_number(config.get("initialization_scale"))
    )


_Check = Callable[[object], bool]
_COMMON: Mapping[str, _Check] = {
    "identity": _is_mapping,
    "method": _is_text,
    "backbone": _is_text,
    "seed": _is_seed,
    "seconds": _is_number,
    "device": _is_text,
    "threads": _is_count,
    "stack": _is_text,
    "stack_width": _is_some,
    "finished_at": _is_text,
}
SCORES = ("score", "score_last", "score_first_epoch", "score_paper", "score_honest")
"""What the record of every training has: its scores, in percent."""

_WANTED: Mapping[str, Mapping[str, _Check]] = {
    "prompt": {
        **_COMMON,
        "identity": _is_identity_of_training,
        "sources": _are_texts,
        "target": _is_text,
        "protocol": _is_text,
        "measure": _is_text,
        **dict.fromkeys(SCORES, _is_number),
        "history": _is_history,
        "similarities": _are_numbers,
        "examples_per_second": _is_number_or_none,
    },
    "embedding": {**_COMMON, "task": _is_text},
}
"""By product, what every record has."""

_OPTIONAL: Mapping[str, _Check] = {
    "peak_memory_bytes": _is_count,
    "training_seconds": _is_number_or_none,
    "trained_parameters": _is_count,
    "workers": _is_some,
    "shapes": _are_workers,
    "train_examples": _is_count,
    "dev_examples": _is_count,
    "rows_per_example": _is_number,
    "tokens_per_example": _is_number,
    "versions": _is_mapping,
    "inputs": _are_inputs,
    "hosts": _are_hosts,
}


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
