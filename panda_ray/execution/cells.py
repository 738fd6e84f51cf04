"""What a sweep asks for: cells (one score each) and similarities (one number per pair and metric)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One entry of the grid.

    Attributes:
        method: label of the method in the sweep file.
        source: donor task; None for a method without transfer.
        key: of the unit whose score fills the cell; several cells may share a unit.
    """

    backbone: str
    method: str
    source: str | None
    target: str
    seed: int
    key: str


@dataclass(frozen=True)
class Similarity:
    """The predicted transferability of one pair: the comparison of two signatures.

    Attributes:
        metric: label of the metric in the sweep file.
        source_key, target_key: signature units; None for a metric without signatures.
    """

    backbone: str
    metric: str
    source: str
    target: str
    seed: int
    source_key: str | None
    target_key: str | None
