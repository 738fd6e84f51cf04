"""Which results were computed from files that have changed since.

A repaired unit may come out different. What was built on the old one is then neither wrong nor lost, but it does not
belong to what is stored beside it: it counts as not done, and stays until the new result takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any


@dataclass(frozen=True, slots=True)
class Input:
    """One file that a unit read of another unit."""

    key: str
    file: str
    sha256: str


def inputs_of(record: Mapping[str, Any]) -> tuple[Input, ...]:
    """What a result was computed from."""
    read = chain.from_iterable(record.get("inputs", {}).values())
    return tuple(Input(file["key"], file["file"], file["sha256"]) for file in read)


class Lineage:
    """Files and inputs of the results that a store holds; under 2 KiB each."""

    def __init__(self) -> None:
        self._sha256: dict[tuple[str, str], str] = {}
        self._inputs: dict[str, tuple[Input, ...]] = {}

    def add(self, key: str, record: Mapping[str, Any]) -> None:
        """Take note of a result that is whole."""
        for name, file in record["files"].items():
            self._sha256[key, name] = file["sha256"]
        if inputs := inputs_of(record):
            self._inputs[key] = inputs

    def outdated(self) -> Iterator[str]:
        """Keys of results with an input that is there, but not as it was; one that is not there may come back."""
        for key, inputs in self._inputs.items():
            if any(self._sha256.get((each.key, each.file), each.sha256) != each.sha256 for each in inputs):
                yield key
