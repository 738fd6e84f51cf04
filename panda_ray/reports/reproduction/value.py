"""One number of a table with its seeds, and what is computed from several: means, differences, the best of some.

A printed number has one seed, `PRINTED`, so that the paper's tables and ours are the same computation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from panda_ray.reports.numbers.over_seeds import OverSeeds

_Name = TypeVar("_Name", bound=Hashable)

PRINTED = 0
"""The seed of what the paper prints; it names none."""

_EXACT = 9
"""Decimals that a sum of floats keeps: 77.05, which the paper prints as 77.1, may come out a hair below."""


@dataclass(frozen=True)
class Value(OverSeeds):
    """A number over its seeds.

    Attributes:
        expected: seeds that were asked for.
        erratum: what is odd about the printed one; "" where nothing is.
    """

    expected: int = 1
    erratum: str = ""


def printed(number: str | float, erratum: str = "") -> Value:
    """A number of the paper."""
    return Value({PRINTED: float(number)}, erratum=erratum)


def per_seed(values: Mapping[_Name, Value], computed: Callable[[Mapping[_Name, float]], float | None]) -> Value | None:
    """What is computed of several numbers, over the seeds that all of them have; None where there is none."""
    seeds = sorted(set.intersection(*(set(value.by_seed) for value in values.values()))) if values else []
    found = {seed: computed({name: value.by_seed[seed] for name, value in values.items()}) for seed in seeds}
    by_seed = {seed: number for seed, number in found.items() if number is not None}
    return Value(by_seed, max(value.expected for value in values.values())) if by_seed else None


def mean_of(values: Iterable[Value | None]) -> Value | None:
    """None where one of them is missing."""
    listed = dict(enumerate(values))
    known = {index: value for index, value in listed.items() if value is not None}
    return per_seed(known, lambda of: math.fsum(of.values()) / len(of)) if len(known) == len(listed) else None


def difference(value: Value | None, other: Value | None) -> Value | None:
    """None where one of them is missing."""
    if value is None or other is None:
        return None
    return per_seed({"own": value, "other": other}, lambda of: of["own"] - of["other"])


def best_of(values: Iterable[Value | None]) -> Value | None:
    """The one with the highest mean."""
    return max((value for value in values if value is not None), key=lambda value: value.mean, default=None)


def rounded(number: float, digits: int) -> str:
    """As the paper rounds: half up, from the decimal number that is meant; zero has no sign."""
    exact = Decimal(repr(round(number, _EXACT)))
    text = format(exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP), "f")
    return text.lstrip("-") if not float(text) else text
