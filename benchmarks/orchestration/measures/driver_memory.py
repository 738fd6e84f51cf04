"""What a finished stack leaves in the driver's memory, and whether the next one takes longer for it.

As a program, `python -m benchmarks.orchestration.measures.driver_memory SWEEP LOG` is the driver that is measured: it
runs a sweep with the Ray runner, without MLflow, and writes a JSON list per `EVERY` finished stacks.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.orchestration import sweeps
from benchmarks.orchestration.bar import Bar
from benchmarks.orchestration.child import run_child
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, Outcome
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep_file import load_sweep

KIBIBYTES_PER_STACK = 5
EVERY = 50


@dataclass(frozen=True)
class Sample:
    """A moment of a run.

    Attributes:
        at: seconds since any moment.
        resident: bytes of the driver's resident set.
    """

    finished: int
    at: float
    resident: int


def measure_driver_memory(folder: Path, stacks: int = 5000) -> tuple[list[Bar], dict[str, Any]]:
    """Run trivial stacks, each a trial of its own; the bar is for the slope over the second half of them."""
    sweep = sweeps.write(sweeps.trivial(folder / "store", stacks), folder / "trivial.yaml")
    log = folder / "samples.jsonl"
    run_child(["-m", "benchmarks.orchestration.measures.driver_memory", str(sweep), str(log)], folder / "run.txt")
    samples = [Sample(*json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]
    first, second = halves(samples)
    bar = Bar(
        f"driver's memory per finished stack, second half of {stacks:,}",
        bytes_per_stack(second) / 1024,
        KIBIBYTES_PER_STACK,
        "KiB",
    )
    return [bar], {
        "stacks": stacks,
        "kibibytes_per_stack_in_the_first_half": bytes_per_stack(first) / 1024,
        "mebibytes": {f"after_{one.finished}": one.resident / 2**20 for one in (first[0], second[0], second[-1])},
        "seconds_per_stack_in_the_first_half": seconds_per_stack(first),
        "seconds_per_stack_in_the_second_half": seconds_per_stack(second),
    }


def halves(samples: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """Up to half of the stacks, and from there on."""
    middle = samples[-1].finished / 2
    return [one for one in samples if one.finished <= middle], [one for one in samples if one.finished >= middle]


def bytes_per_stack(samples: Sequence[Sample]) -> float:
    """The slope of the line through the samples."""
    return float(np.polyfit([one.finished for one in samples], [one.resident for one in samples], 1)[0])


def seconds_per_stack(samples: Sequence[Sample]) -> float:
    """From the first to the last sample."""
    return (samples[-1].at - samples[0].at) / (samples[-1].finished - samples[0].finished)


class _Sampler(Listener):
    def __init__(self, log: Path) -> None:
        self._file = log.open("w", encoding="utf-8", buffering=1)
        self._finished = 0

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        assert outcome.status == "done", "every trivial unit succeeds"
        self._finished += 1
        if self._finished % EVERY == 0:
            print(json.dumps(astuple(Sample(self._finished, time.monotonic(), _resident()))), file=self._file)


def _resident() -> int:
    """Bytes of this process's resident set, as Linux tells."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


def _drive(sweep_file: str, log: str) -> None:
    sweep = load_sweep(sweep_file)
    store = Store(sweep.storage)
    plan = build_plan(sweep, store)
    assert run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner(), [_Sampler(Path(log))]).complete


if __name__ == "__main__":
    _drive(*sys.argv[1:])
