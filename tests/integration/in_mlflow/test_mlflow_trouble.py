"""A tracking server that cannot be used, is away, or is silent: told at the start, never in the way."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome, RunSummary
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Record, Store
from panda_ray.tracking import mlflow
from panda_ray.tracking.mlflow import MlflowTracker
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.server import patience
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.writing.unit_runs.unit_log import UnitLog
from support.servers.silent_postgres import SilentPostgres
from support.sweeps.records import prompt, publish, publish_training
from support.sweeps.tracked import (
    COMMAND,
    Server,
    assert_one_finished_run_per_unit,
    filled,
    make_sweep,
    runs_of,
    track,
)

TESTS = Path(__file__).parents[2]


@contextmanager
def web_server(status: int) -> Iterator[str]:
    """Answers everything with this status and a page."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>Welcome to nginx</html>")

        do_POST = do_GET

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://someone:secret@127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("htp://tracking:5000", "unsupported URI"),
        ("mysql+nosuchdriver://someone:secret@127.0.0.1/x", "nosuchdriver"),
        ("mysql+oursql://someone:secret@127.0.0.1/x", "oursql"),
    ],
)
def test_what_no_wait_can_mend_is_refused_at_the_start(tmp_path: Path, uri: str, said: str) -> None:
    plan, store = filled(tmp_path / "store")
    with pytest.raises(InputError, match=said) as refused:
        MlflowTracker(store, uri).start(plan)
    assert "secret" not in str(refused.value)
    assert "--set tracking_uri=" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "said"), [(200, "not in a valid JSON format"), (401, "401"), (403, "403"), (404, "404")]
)
def test_a_server_that_is_not_mlflows_or_lets_nobody_in_is_refused(tmp_path: Path, status: int, said: str) -> None:
    plan, store = filled(tmp_path / "store")
    with web_server(status) as uri, pytest.raises(InputError, match=said) as refused:
        MlflowTracker(store, uri).start(plan)
    assert "secret" not in str(refused.value)


def test_what_may_pass_is_said_at_the_start_and_the_run_goes_on(tmp_path: Path) -> None:
    plan, store = filled(tmp_path / "store")
    postgres = "postgresql://someone:secret@127.0.0.1:9/mlflow"
    for uri, said in [
        ("http://someone:secret@127.0.0.1:9", "Connection refused"),
        ("http://no.such.host.invalid:5000", "Name or service not known"),
        (postgres, "Connection refused"),
    ]:
        began = time.monotonic()
        tracker = MlflowTracker(store, uri)
        told = tracker.start(plan)
        tracker.on_finished(RunSummary(plan, done=plan.done))
        assert time.monotonic() - began < 90, "MLflow itself tries for 100 seconds"
        for sentence in (told, tracker.message(COMMAND)):
            assert sentence is not None
            assert said in sentence
            assert "secret" not in sentence
        assert COMMAND in str(tracker.message(COMMAND))
        assert tracker.missing == plan.done
        with pytest.raises(InputError, match=said):
            read_study(uri, "small")


def test_another_stores_sweep_of_that_name_is_refused(storage: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{storage}/mlflow.db"
    track(*filled(tmp_path / "one"), uri)
    plan, store = filled(tmp_path / "two", seeds=(12,))
    with pytest.raises(InputError, match=r"experiment 'small' .* shows the results of another store") as refused:
        MlflowTracker(store, uri).start(plan)
    assert "--set name=small-2" in str(refused.value)
    moved = (tmp_path / "one").rename(tmp_path / "three")
    extended = build_plan(make_sweep(moved, targets=["remark", "choice"], seeds=(11,)), Store(str(moved)))
    assert track(extended, Store(str(moved)), uri).message(COMMAND) is None, "the same store, moved and extended"


def test_artifacts_that_have_no_package_are_refused_with_its_name(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("boto3", "botocore"):
        monkeypatch.setitem(sys.modules, package, None)
    uri = f"sqlite:///{storage}/mlflow.db"
    connect(uri).create_experiment("small", artifact_location="s3://bucket/small")
    plan, store = filled(storage)
    with pytest.raises(InputError, match="boto3"):
        MlflowTracker(store).start(plan)
    with pytest.raises(InputError, match=r"cannot be read: .*boto"):
        read_study(uri, "small")


def test_one_record_that_cannot_be_logged_stops_no_other(storage: Path) -> None:
    """One with a time that is none, one whose predictions are no table; their neighbours are logged."""
    store = Store(str(storage))
    plan = build_plan(make_sweep(storage, targets=["remark"], seeds=(11,)), store)
    timeless, tableless = (cell.key for cell in plan.cells if cell.method == "pot")
    publish(plan, store, plan.units.keys() - {timeless, tableless})
    published = Store(str(storage)).record(next(cell.key for cell in plan.cells if cell.method == "PanDa <b>"))
    assert published is not None

    class NoTime:
        def isoformat(self, timespec: str) -> str:
            return "yesterday"

    publish_training(plan.units[timeless], store, NoTime())  # type: ignore[arg-type]
    record = {**published, "key": tableless, "method": "pot", "sources": list(plan.units[tableless].sources)}
    files = {"prompt.safetensors": prompt(plan.units[tableless]), "predictions.parquet": b"no table"}
    store.publish(tableless, record, files)
    plan = build_plan(plan.sweep, store)
    tracker = track(plan, store)
    assert set(tracker.refused) == tracker.missing == {timeless, tableless}
    message = str(tracker.message(COMMAND))
    assert "lacks 2 finished units" in message
    assert "yesterday" in message
    assert "Parquet magic bytes not found" in message
    study = read_study(tracker.tracking_uri, "small")
    assert set(study.scores["key"]) == {cell.key for cell in plan.cells} - {tableless}


def test_whoever_waits_no_longer_counts_what_is_logged_by_then_and_sends_the_rest_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, store = filled(tmp_path / "store")
    parts: list[set[str]] = []
    goes_on, log = threading.Event(), UnitLog.log

    def halting(self: UnitLog, plan: Plan, records: Sequence[Record], *rest: Any) -> None:
        parts.append({record["key"] for record in records})
        assert len(parts) != 2 or goes_on.wait(120)
        log(self, plan, records, *rest)

    monkeypatch.setattr(UnitLog, "log", halting)
    busy: list[str] = []
    tracker = MlflowTracker(store, busy=lambda what: nullcontext(busy.append(what)))
    tracker.start(plan)
    end = time.monotonic() + 120
    while len(parts) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    tracker.finish(RunSummary(plan, done=plan.done), 0.2)
    assert tracker.missing == plan.done - parts[0] != plan.done
    assert f"lacks {len(tracker.missing)} finished units" in str(tracker.message(COMMAND))
    goes_on.set()
    tracker.on_finished(RunSummary(plan, done=plan.done))
    assert tracker.missing == frozenset()
    assert busy == ["logging to MLflow"]


def test_two_drivers_that_finish_at_once_make_one_run_per_unit(storage: Path) -> None:
    """Nothing is cleaned up afterwards: a run that was deleted would still be listed."""
    store = Store(str(storage))
    plan = build_plan(make_sweep(storage, targets=["remark"]), store)
    trackers = [MlflowTracker(Store(str(storage))) for _ in range(2)]
    assert trackers[0].start(plan) is None
    assert "another process is logging this sweep" in str(trackers[1].start(plan))
    keys = publish(plan, store)
    for index, key in enumerate(keys):
        trackers[index % 2].on_outcome(None, Outcome(key, "done"))
    summary = RunSummary(plan, done=frozenset(keys))
    ends = [threading.Thread(target=tracker.on_finished, args=(summary,)) for tracker in trackers]
    for end in ends:
        end.start()
    for end in ends:
        end.join()
    assert_one_finished_run_per_unit(connect(trackers[0].tracking_uri), plan)
    assert trackers[0].message(COMMAND) is None
    assert len(read_study(trackers[0].tracking_uri, "small").scores) == len(plan.cells)


DRIVER = """
import sys
from pathlib import Path
from panda_ray.errors import InputError
from panda_ray.execution.events import RunSummary
from panda_ray.tracking import mlflow, tracker_thread
from panda_ray.tracking.server import patience
from panda_ray.tracking.reading.read_study import read_study
from support.sweeps.tracked import filled
tracker_thread.START_SECONDS = 1.0
patience.STALL_SECONDS = 3.0
plan, store = filled(Path(sys.argv[1]))
tracker = mlflow.MlflowTracker(store, sys.argv[2])
print(tracker.start(plan))
tracker.on_finished(RunSummary(plan, done=plan.done))
print(tracker.message("panda-ray track x.yaml"), tracker.is_silent)
try:
    read_study(sys.argv[2], "small")
except InputError as error:
    print(error)
"""


def test_a_database_that_never_answers_holds_neither_run_nor_process(tmp_path: Path) -> None:
    uri = SilentPostgres().uri
    command = [sys.executable, "-c", DRIVER, str(tmp_path / "store"), uri]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=240, env=environment)
    told, message, read = ended.stdout.splitlines()
    assert "it has not answered for 1 s; training goes on" in told
    assert "lacks" in message
    assert "has not answered for 3 s" in message
    assert message.endswith("panda-ray track x.yaml True")
    assert "cannot be read: it keeps the connection open" in read
    assert "secret" not in ended.stdout
    assert ended.stderr == ""


@pytest.mark.cluster
def test_a_server_that_freezes_in_the_middle_holds_no_run(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "STALL_SECONDS", 3.0)
    monkeypatch.setattr(mlflow, "END_SECONDS", 240.0)
    server.start()
    store = Store(str(tmp_path / "store"))
    plan = build_plan(make_sweep(tmp_path / "store", targets=["remark"], seeds=(11,)), store)
    first, *others = plan.units
    publish(plan, store, [first])
    tracker = MlflowTracker(store, server.uri)
    assert tracker.start(plan) is None
    tracker.on_outcome(None, Outcome(first, "done"))
    client = connect(server.uri)
    while len(runs_of(client)) < 2:
        time.sleep(0.2)
    server.freeze()
    for key in publish(plan, store, others):
        tracker.on_outcome(None, Outcome(key, "done"))
    began = time.monotonic()
    tracker.on_finished(RunSummary(plan, done=frozenset(plan.units)))
    assert time.monotonic() - began < 120, "long before the end of its patience"
    assert set(others) <= tracker.missing
    assert "has not answered for 3 s" in str(tracker.message(COMMAND))
