"""Clocks: what competes runs in turn, so that a slow minute of the machine hits all alike, and ratios are per turn."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

Clock = Literal["wall", "cpu"]
Prepare = Callable[[], Callable[[], object]]
"""Builds models and data outside of the clock and returns the training to time."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one run: wall time, and CPU time of the process (all threads)."""

    wall: float
    cpu: float

    def on(self, clock: Clock) -> float:
        return self.wall if clock == "wall" else self.cpu


LEAST_ROUNDS = 3


def run_in_turn(
    competitors: Mapping[str, Prepare],
    rounds: int,
    device: torch.device,
    *,
    warm_up: bool = True,
    seconds: float = float("inf"),
) -> dict[str, list[Timing]]:
    """Time each competitor once per round, in their order; one that does not fit into memory is missing in the result.

    Args:
        warm_up: run a round before that does not count.
        seconds: no round begins later than that, unless there have been fewer than `LEAST_ROUNDS`.
    """
    started = time.monotonic()
    timings: dict[str, list[Timing]] = {name: [] for name in competitors}
    for turn in range(-1 if warm_up else 0, rounds):
        if turn >= LEAST_ROUNDS and time.monotonic() - started > seconds:
            break
        for name in tuple(timings):
            try:
                timing = timed(competitors[name](), device)
            except torch.OutOfMemoryError:
                del timings[name]
                continue
            if turn >= 0:
                timings[name].append(timing)
    return timings


def timed(run: Callable[[], object], device: torch.device) -> Timing:
    """Run once, waiting for the device before and after; no garbage is collected meanwhile."""
    gc.collect()
    gc.disable()
    try:
        _synchronize(device)
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        _synchronize(device)
        return Timing(time.perf_counter() - wall, time.process_time() - cpu)
    finally:
        gc.enable()


def median_rate(work: float, timings: Sequence[Timing], clock: Clock) -> float:
    """Work per second in the median run."""
    return statistics.median(work / timing.on(clock) for timing in timings)


def paired_ratios(
    work: float, timings: Sequence[Timing], other_work: float, others: Sequence[Timing], clock: Clock
) -> list[float]:
    """How many times the rate of the other, turn by turn."""
    return [
        (work / mine.on(clock)) / (other_work / other.on(clock)) for mine, other in zip(timings, others, strict=True)
    ]


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
