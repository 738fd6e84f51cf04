"""The plan of a sweep: which cells must exist, the units behind them, and what of it is already in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from panda_ray.execution.cells import Cell, Similarity
from panda_ray.execution.stack import Stack
from panda_ray.execution.unit import Unit
from panda_ray.sweep import Sweep

PlanRole = Literal["cell", "source", "teacher", "signature"]
"""What a unit is to the sweep. A prompt that fills a cell is a `cell`, even where it is also a source; `source` is a
prompt that is only trained so that others can use it."""


@dataclass(frozen=True)
class Plan:
    """Everything that a sweep wants, and how it will be run.

    Attributes:
        cells: in the order of the sweep file: backbone, seed, method, target, source.
        similarities: of every pair and metric, including the metrics that only a method asks for.
        units: every unit that must exist, by key; a unit comes after its dependencies.
        role_of, label_of: per key, what the unit is to the sweep, and the label of its method or metric.
        done: units that have a valid result in the store.
        stacks: what to run, in order; members that are done are marked.
        skipped: tasks that are left out because their rows are absent, with the reason.
    """

    sweep: Sweep
    cells: tuple[Cell, ...]
    similarities: tuple[Similarity, ...]
    units: Mapping[str, Unit]
    role_of: Mapping[str, PlanRole]
    label_of: Mapping[str, str]
    done: frozenset[str]
    stacks: tuple[Stack, ...]
    skipped: tuple[tuple[str, str], ...]

    @cached_property
    def depends_on(self) -> Mapping[str, tuple[str, ...]]:
        """Per key, the keys that must be done before it can start."""
        return {key: tuple(unit.dependencies.values()) for key, unit in self.units.items()}
