"""A thousand trivial units through the Ray runner and MLflow: what a unit costs besides its training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.orchestration import sweeps
from benchmarks.orchestration.bar import Bar
from benchmarks.orchestration.child import run_child
from benchmarks.orchestration.events import read_events, times

SECONDS_PER_UNIT = 0.15


def measure_trivial(folder: Path, units: int = 1000) -> tuple[list[Bar], dict[str, Any]]:
    """Run them with the real command line; each is a trial, and its one training step is inside of the figure.

    The clock of the bar runs from the first finished unit, when the workers are up, until the last one is logged.
    """
    sweep = sweeps.write(sweeps.trivial(folder / "store", units), folder / "trivial.yaml")
    log = folder / "events.jsonl"
    arguments = ["-m", "benchmarks.orchestration.observed", str(log), "run", str(sweep), "--json"]
    child = run_child(arguments, folder / "run.txt")
    events = read_events(log)
    done, (planned,), (logged,) = times(events, "done"), times(events, "planned"), times(events, "logged")
    assert len(done) == units, "every trivial unit succeeds"
    bar = Bar(f"{units:,} trivial units", (logged - done[0]) / (units - 1), SECONDS_PER_UNIT, "s per unit")
    return [bar], {
        "units": units,
        "seconds_per_unit_without_logging_at_the_end": (done[-1] - done[0]) / (units - 1),
        "seconds_until_planned": planned - child.started,
        "seconds_from_planned_to_first_result": done[0] - planned,
        "seconds_of_logging_at_the_end": logged - done[-1],
        "seconds_of_the_report": child.started + child.seconds - logged,
        "seconds": child.seconds,
        "cpu_seconds": child.cpu_seconds,
    }
