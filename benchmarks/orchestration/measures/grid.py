"""A real sweep with the real command line: the share of its wall time in which no stack trains, and where it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.orchestration.bar import Bar
from benchmarks.orchestration.child import run_child
from benchmarks.orchestration.events import read_events, times
from panda_ray.execution.store.store import Record, Store

PERCENT = 3
QUICKSTART = "sweeps/quickstart.yaml"

Interval = tuple[float, float]
"""From when to when, in seconds since the epoch."""


def measure_grid(
    folder: Path, sweep: str = QUICKSTART, overrides: Sequence[str] = ()
) -> tuple[list[Bar], dict[str, Any]]:
    """Run a sweep into an empty store.

    Args:
        sweep: the sweep file.
        overrides: `key=value`, as `panda-ray run --set` takes them.
    """
    log, storage = folder / "events.jsonl", folder / "store"
    sets = [part for override in (*overrides, f"storage={storage}") for part in ("--set", override)]
    command = ["-m", "benchmarks.orchestration.observed", str(log), "run", sweep, *sets, "--json"]
    child = run_child(command, folder / "run.txt")
    events = read_events(log)
    (planned,), (trained,), (logged,) = (times(events, what) for what in ("planned", "trained", "logged"))
    busy = list(merged(working_times(record for _, record in Store(str(storage)).records())))
    idle = child.seconds - sum(end - start for start, end in busy)
    first, last = busy[0][0], busy[-1][1]
    bar = Bar(f"{Path(sweep).stem}: wall time in which no stack trains", 100 * idle / child.seconds, PERCENT, "%")
    return [bar], {
        "sweep": " ".join([sweep, *overrides]),
        "seconds": child.seconds,
        "idle_seconds": idle,
        "idle": {
            "start and plan": planned - child.started,
            "Ray and workers, until the first stack trains": first - planned,
            "gaps between stacks": last - first - sum(end - start for start, end in busy),
            "Ray's end": trained - last,
            "logging at the end": logged - trained,
            "report": child.started + child.seconds - logged,
        },
        "stacks": len({record["stack"] for _, record in Store(str(storage)).records()}),
    }


def working_times(records: Iterable[Record]) -> Iterator[Interval]:
    """When each stack trained (or computed embeddings), until its first result was written down.

    A record says what its unit took of its stack's time; the stack's is the sum over its members.
    """
    stacks: dict[str, list[Record]] = {}
    for record in records:
        stacks.setdefault(record["stack"], []).append(record)
    for members in stacks.values():
        ends = [datetime.fromisoformat(record["finished_at"]).timestamp() for record in members]
        if members[0]["product"] == "prompt":
            yield min(ends) - sum(record["training_seconds"] for record in members), min(ends)
        else:
            yield from ((end - record["seconds"], end) for end, record in zip(ends, members, strict=True))


def merged(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """The union of intervals, as intervals that do not touch, in order."""
    current: Interval | None = None
    for start, end in sorted(intervals):
        if current is None:
            current = start, end
        elif start <= current[1]:
            current = current[0], max(current[1], end)
        else:
            yield current
            current = start, end
    if current is not None:
        yield current
