"""What `make bench` measures, per kind of device: sizes that end within the hour there, and still mean something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from benchmarks.measuring.machine import precision_of
from benchmarks.workloads.lengths import TASKS
from benchmarks.workloads.setting import Method, Setting

ALL_WIDTHS = (1, 2, 4, 8, 21, 42, 64)
BOTH: tuple[Method, ...] = ("pot", "panda")


@dataclass(frozen=True)
class Grid:
    """Comparisons on one backbone: every task with every method, at all widths.

    `warm_up` is off where one step takes so long that what a first step sets up does not show.
    """

    backbone: str
    tasks: tuple[str, ...]
    methods: tuple[Method, ...]
    widths: tuple[int, ...]
    rows: int
    epochs: int
    rounds: int
    warm_up: bool = True

    def settings(self, device: torch.device) -> Iterator[Setting]:
        """One setting per comparison."""
        for method in self.methods:
            for task in self.tasks:
                yield Setting(
                    self.backbone, task, method, device, precision_of(device), rows=self.rows, epochs=self.epochs
                )


def throughput_grids(device: torch.device) -> Sequence[Grid]:
    """All widths on a GPU. On a CPU the two large backbones take a few steps at two widths: one step of theirs costs
    as much as a thousand of the tiny one."""
    if device.type == "cuda":
        return [Grid(backbone, TASKS, BOTH, ALL_WIDTHS, 128, 4, 3) for backbone in ("tiny", "small", "base", "large")]
    return [
        Grid("small", TASKS, BOTH, (1, 8), rows=32, epochs=4, rounds=2),
        Grid("tiny", TASKS, BOTH, ALL_WIDTHS, rows=32, epochs=4, rounds=2),
        Grid("base", ("cb", "stsb"), ("panda",), (1, 8), rows=16, epochs=2, rounds=1, warm_up=False),
        Grid("large", ("stsb",), ("panda",), (1, 8), rows=16, epochs=1, rounds=1, warm_up=False),
    ]


def limit_grids(device: torch.device) -> Sequence[Grid]:
    """Where utilisation is measured."""
    if device.type == "cuda":
        return [Grid(backbone, ("cb", "stsb"), BOTH, (21, 42), 128, 2, 3) for backbone in ("small", "base", "large")]
    return [
        Grid("tiny", ("cb", "stsb"), ("panda",), (8,), rows=64, epochs=2, rounds=3),
        Grid("small", ("cb", "stsb"), ("panda",), (8,), rows=16, epochs=2, rounds=2),
    ]


@dataclass(frozen=True)
class MemoryGrid:
    """Widths that the line is fitted to, the width that it is checked at, and memories to fill, in GiB."""

    backbone: str
    widths: tuple[int, ...]
    check: int
    gibibytes: tuple[int, ...]

    def setting(self, device: torch.device) -> Setting:
        """Few training rows: the peak of a step does not depend on their number. Dev rows enough that the pass that
        evaluates is as wide as the engine ever makes it, as with real dev sets; fewer would hide its memory."""
        dev_rows = 1024 if device.type == "cuda" else 64
        return Setting(self.backbone, "cb", "panda", device, precision_of(device), rows=32, epochs=1, dev_rows=dev_rows)


def memory_grids(device: torch.device) -> Sequence[MemoryGrid]:
    """Where memory is measured."""
    if device.type == "cuda":
        return [MemoryGrid(backbone, (4, 8, 16), 42, (40, 80, 141)) for backbone in ("base", "large")]
    return [MemoryGrid("tiny", (128, 256, 384), 512, (4, 16))]
