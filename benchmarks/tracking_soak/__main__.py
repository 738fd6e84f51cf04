"""`python -m benchmarks.tracking_soak [--units N]` at the root of a checkout: nothing lost, nothing twice, no deadlock.

A forged store of N units is reported to the tracker by eight stacks at a time. When MLflow has half of the runs,
Postgres and MLflow's server are killed, and started again after a pause. At the end the database is asked itself.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from benchmarks.orchestration import sweeps
from benchmarks.orchestration.forging import forge
from benchmarks.tracking_soak.servers import Database, Server
from benchmarks.written import results
from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome, RunSummary
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep_file import load_sweep
from panda_ray.tracking.mlflow import MlflowTracker

STACKS = 8
_UNITS_PER_SEED = 191
_WIDTH = 20
_AWAY_SECONDS = 5.0
_END_SECONDS = 24 * 3600.0

_LOGGED = "SELECT count(*) FROM tags WHERE key = 'complete'"
_RUNS = """
SELECT k.value, r.status, (SELECT count(*) FROM metrics m WHERE m.run_uuid = r.run_uuid),
  (SELECT count(*) FROM params p WHERE p.run_uuid = r.run_uuid),
  (SELECT count(*) FROM inputs i WHERE i.destination_id = r.run_uuid),
  EXISTS (SELECT 1 FROM tags c WHERE c.run_uuid = r.run_uuid AND c.key = 'complete')
FROM runs r JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'key' WHERE r.lifecycle_stage = 'active'
"""


def main() -> int:
    """Soak, print, and keep the figures; 1 where MLflow does not have each unit wholly and once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tracking_soak", description=__doc__)
    parser.add_argument("--units", type=int, default=20_000)
    units = parser.parse_args().units
    try:
        with tempfile.TemporaryDirectory(prefix="panda-ray-soak-") as folder:
            database = Database(Path(folder))
            try:
                found = _soak(Path(folder), units, database)
            finally:
                database.kill()
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(found)
    print(results.write("tracking-soak", torch.device("cpu"), found))
    return 0 if not any(found["wrong"].values()) else 1


def _soak(folder: Path, units: int, database: Database) -> dict[str, Any]:
    seeds = list(range(-(-units // _UNITS_PER_SEED)))
    sweep = load_sweep(str(sweeps.write(sweeps.finished(folder / "store", seeds), folder / "soak.yaml")))
    plan, store = forge(sweep), Store(sweep.storage)
    server = Server(database.uri, folder)
    try:
        tracker = MlflowTracker(store, server.uri)
        started, before = time.monotonic(), _cpu_seconds(server, database)
        tracker.start(plan)
        watch = _Watch(database, server, len(plan.units))
        watch.start()
        with ThreadPoolExecutor(STACKS) as pool:
            list(pool.map(lambda stack: _report(tracker, stack), _stacks(plan)))
        tracker.finish(RunSummary(plan, done=frozenset(plan.units)), _END_SECONDS)
        watch.stop()
        if tracker.missing:  # the server was away when the run ended: what the next run does
            tracker = MlflowTracker(store, server.uri)
            tracker.start(build_plan(sweep, store))
            tracker.finish(RunSummary(plan, done=frozenset(plan.units)), _END_SECONDS)
        seconds, after = time.monotonic() - started, _cpu_seconds(server, database)
    finally:
        server.kill()
    total = len(plan.units)
    return {
        "units": total,
        "seconds": seconds,
        "cpu_milliseconds_per_unit": {name: 1000 * (after[name] - before[name]) / total for name in after},
        "requests_per_unit": server.requests / total,
        "restarted_at": watch.restarted_at,
        "slower_at_the_end": watch.seconds_per_run(last=True) / watch.seconds_per_run(last=False),
        "wrong": _wrong(plan, database) | {"missing": len(tracker.missing), "refused": len(tracker.refused)},
    }


def _cpu_seconds(server: Server, database: Database) -> dict[str, float]:
    return {"tracker": time.process_time(), "server": server.cpu_seconds, "postgres": database.cpu_seconds}


def _stacks(plan: Plan) -> Iterator[Sequence[str]]:
    keys = [key for key in plan.units if key not in plan.done]
    for first in range(0, len(keys), _WIDTH):
        yield keys[first : first + _WIDTH]


def _report(tracker: MlflowTracker, stack: Sequence[str]) -> None:
    for key in stack:
        tracker.on_outcome(None, Outcome(key, "done"))
    time.sleep(1.0)


def _wrong(plan: Plan, database: Database) -> dict[str, int]:
    """How many units have no run, several, or one that lacks something."""
    runs = database.query(_RUNS)
    keys = [str(run[0]) for run in runs]
    contents: dict[Any, set[Any]] = {}
    for key, *content in runs:
        unit = plan.units[str(key)]
        contents.setdefault((unit.method, unit.sources, unit.task, unit.product), set()).add(tuple(content))
    return {
        "lost": len(plan.units.keys() - set(keys)),
        "twice": len(keys) - len(set(keys)),
        "not_complete": sum(run[1] != "FINISHED" or not run[5] for run in runs),
        "kinds_of_units_whose_runs_differ_between_seeds": sum(len(found) > 1 for found in contents.values()),
        "deadlocks": database.deadlocks,
    }


class _Watch(threading.Thread):
    """Sees how many runs there are, and kills the servers at half of them."""

    def __init__(self, database: Database, server: Server, total: int) -> None:
        super().__init__(daemon=True)
        self._database, self._server, self._total = database, server, total
        self._ended = threading.Event()
        self._seen: list[tuple[float, int]] = []
        self.restarted_at: int | None = None

    def run(self) -> None:
        while not self._ended.wait(2.0):
            [(logged,)] = self._database.query(_LOGGED)
            self._seen.append((time.monotonic(), int(str(logged))))
            if self.restarted_at is None and self._seen[-1][1] >= self._total // 2:
                self.restarted_at = self._seen[-1][1]
                self._database.kill()
                time.sleep(_AWAY_SECONDS)
                self._database.start()
                self._server.kill()
                time.sleep(_AWAY_SECONDS)
                self._server.start()

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def seconds_per_run(self, *, last: bool) -> float:
        """In the last quarter of what was seen, or in the first."""
        quarter = max(len(self._seen) // 4, 2)
        (start, few), *_, (end, many) = self._seen[-quarter:] if last else self._seen[:quarter]
        return (end - start) / max(many - few, 1)


if __name__ == "__main__":
    sys.exit(main())
