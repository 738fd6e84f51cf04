"""A store on S3, as moto plays it behind a proxy: what a store promises holds there, and costs few requests."""

from __future__ import annotations

import json
import pickle
import re
import signal
import subprocess
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest
from s3fs import S3FileSystem

from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.store.files import objects
from panda_ray.execution.store.files.opening import open_files
from panda_ray.execution.store.leases import EXPIRY_SECONDS, Leases
from panda_ray.execution.store.sealed import seal
from panda_ray.execution.store.store import Store
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.shared_prompts.kept import prompts_in, pull_prompts
from support.processes.driving import driver, wait_for
from support.servers.object_server import BUCKET, KEY_ID, SECRET, ObjectServer, Request, object_server
from support.sweeps.records import BARE
from support.sweeps.small_sweeps import LONG, planned, small_sweep

KEY, OTHER = "ab" + "0" * 62, "cd" + "1" * 62
RECORD = BARE | {"key": KEY}
FILES = {"prompt.safetensors": b"prompt" * 100, "predictions.parquet": b"rows"}


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with object_server() as server:
        yield server


@pytest.fixture
def url(server: ObjectServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty store of this test's own, next to the server."""
    yield server.storage(re.sub(r"\W", "-", request.node.name))
    server.proxy.seconds = 0.0


def trained(process: subprocess.Popen[str], status: int = 0) -> list[str]:
    """Keys of what a driver computed since the last line that was read."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    assert process.wait(timeout=60) == status, lines
    return [line.removeprefix("trained ") for line in lines if line.startswith("trained ")]


def keys_of(url: str) -> frozenset[str]:
    plan, _ = planned(small_sweep(url, training=LONG))
    return frozenset(plan.units)


def test_prompts_go_through_a_bucket_with_few_requests(url: str, server: ObjectServer, tmp_path: Path) -> None:
    origin, elsewhere = str(tmp_path / "origin"), str(tmp_path / "elsewhere")
    trained_here = Store(origin)
    keys = [f"{digit}{'0' * 63}" for digit in "0123456789"]
    for key in keys:
        trained_here.publish(key, BARE | {"key": key}, FILES)
    assert len(pull_prompts(origin, url)) == 10
    server.proxy.requests.clear()
    assert [each.key for each in prompts_in(url)] == keys
    assert len(server.proxy.requests) <= 2 + 10, "a listing, and each record once"
    assert len(pull_prompts(url, elsewhere)) == 10
    copied = Store(elsewhere)
    for key in keys:
        assert copied.known(key) == trained_here.known(key)
        assert {name: copied.read_file(key, name) for name in FILES} == FILES


@pytest.mark.slow
def test_a_sweep_that_is_interrupted_is_resumed_and_trains_nothing_twice(url: str) -> None:
    with driver(url, "inline") as first:
        wait_for(first, "epoch pot 4")
        published = Store(url).done_keys()
        first.send_signal(signal.SIGTERM)
        trained(first, status=1)
    assert published
    assert Store(url).done_keys() == published
    assert open_files(url).states("checkpoints"), "the stack that was interrupted goes on from here"
    assert not open_files(url).states("leases")
    with driver(url, "inline") as second:
        done = trained(second)
    assert Counter(done) == Counter(keys_of(url) - published)
    assert Store(url).done_keys() == keys_of(url)
    assert not open_files(url).states("checkpoints")


@pytest.mark.slow
def test_two_drivers_at_once_train_each_unit_once(url: str) -> None:
    with driver(url, "inline") as first, driver(url, "inline") as second:
        done = [trained(first), trained(second)]
    assert all(done), "both did a part"
    assert Counter(done[0] + done[1]) == Counter(keys_of(url))
    assert Store(url).done_keys() == keys_of(url)
    assert not open_files(url).states("leases")


@pytest.mark.slow
def test_what_a_killed_driver_held_is_taken_over(url: str) -> None:
    with driver(url, "inline") as first:
        wait_for(first, "epoch pot 4")
        first.kill()
        first.wait()
    published = Store(url).done_keys()
    assert open_files(url).states("leases"), "nobody released it"
    with driver(url, "inline") as second:
        done = trained(second)
    assert Counter(done) == Counter(keys_of(url) - published)
    assert not open_files(url).states("leases")


def test_a_lease_of_another_machine_runs_out_while_it_is_watched(url: str) -> None:
    now, files = 0.0, open_files(url)
    claim = {
        "owner": {"machine": "elsewhere", "pid": 1, "started": "1"},
        "state": "holding",
        "beats": 0,
        "members": [KEY],
    }
    files.write(f"leases/{'f' * 32}-{'0' * 32}.json", json.dumps(claim).encode())
    watcher = Leases(files, "a" * 32, lambda: now)
    assert watcher.taken([KEY, OTHER]) == {KEY}
    now = EXPIRY_SECONDS
    assert watcher.taken([KEY, OTHER]) == {KEY}
    now += 1
    assert watcher.taken([KEY, OTHER]) == frozenset()
    assert not files.states("leases")


def test_of_many_that_ask_at_once_one_holds_each_key(url: str, server: ObjectServer) -> None:
    server.proxy.seconds = 0.01
    keys = [f"{number:064x}" for number in range(8)]

    def ask(number: int) -> frozenset[str]:
        with Store(url).leases.take("a stack", (keys[number:] + keys[:number])[:5]) as lease:
            everybody.wait()
            return lease.members

    everybody = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        held = list(pool.map(ask, range(0, 8, 2)))
    assert any(held)
    assert sum(map(len, held)) == len(frozenset[str]().union(*held))


def test_a_record_is_never_seen_without_its_files(url: str, server: ObjectServer) -> None:
    server.proxy.seconds = 0.01
    writing, seen = threading.Event(), set[str]()

    def watch() -> None:
        files = open_files(url)
        while not writing.is_set():
            listed = files.states("units")
            for path in listed:
                if path.endswith("/record.json"):
                    folder = path.rpartition("/")[0]
                    seen.add(folder)
                    assert sum(other.startswith(f"{folder}/") for other in listed) == 1 + len(FILES)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        for number in range(12):
            key = f"{number:064x}"
            Store(url).publish(key, RECORD | {"key": key}, FILES)
        writing.set()
        watching.result()
    assert len(seen) > 3


def test_the_first_record_stays_and_nobody_looks_before_it_is_put(url: str, server: ObjectServer) -> None:
    first, second = Store(url), Store(url)
    before = len(server.asked(url))
    first.publish(KEY, RECORD, FILES)
    asked = Counter(request.kind for request in server.asked(url)[before:])
    assert asked == {"PUT": 3, "LIST": 1}, "its files, the record, and one look at failures for all units"
    first.publish(OTHER, RECORD | {"key": OTHER}, FILES)
    assert len(server.asked(url)) - before == 4 + 3
    second.publish(KEY, RECORD | {"score": 10.0}, {"prompt.safetensors": b"other"})
    assert Store(url).known(KEY)["score"] == RECORD["score"]
    assert Store(url).read_file(KEY, "prompt.safetensors") == FILES["prompt.safetensors"]
    assert Store(url).done_keys() == {KEY, OTHER}


def test_a_record_that_is_damaged_gives_way_to_the_next_one(url: str) -> None:
    Store(url).publish(KEY, RECORD, FILES)
    open_files(url).write(f"units/ab/{KEY}/record.json", b"damaged")
    assert Store(url).done_keys() == frozenset()
    Store(url).publish(KEY, RECORD | {"score": 7.5}, FILES)
    assert Store(url).known(KEY)["score"] == 7.5


def test_of_two_records_at_the_same_time_the_one_that_the_server_refuses_for_now_is_put_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 answers 409 then, which moto never does."""
    pipe_file, refused = S3FileSystem.pipe_file, list[str]()

    def busy(self: S3FileSystem, path: str, data: bytes, **options: Any) -> None:
        if options.get("mode") == "create" and len(refused) < 2:
            refused.append(path)
            raise OSError(5, "An error occurred (ConditionalRequestConflict) when calling the PutObject operation")
        pipe_file(self, path, data, **options)

    monkeypatch.setattr(S3FileSystem, "pipe_file", busy)
    Store(url).publish(KEY, RECORD, FILES)
    assert len(refused) == 2
    assert Store(url).done_keys() == {KEY}


def test_a_failure_is_forgotten_when_its_unit_is_done_and_no_other_one_is_asked_about(
    url: str, server: ObjectServer
) -> None:
    Store(url).failures.write(KEY, "the loss became NaN")
    store = Store(url)
    before = len(server.asked(url))
    store.publish(KEY, RECORD, FILES)
    store.publish(OTHER, RECORD | {"key": OTHER}, FILES)
    assert store.failures.among({KEY, OTHER}) == {}
    deleted = [request.path for request in server.asked(url)[before:] if request.kind == "DELETE"]
    assert deleted == [f"{url.rpartition('/')[2]}/failures/{KEY}.json"]


def test_an_empty_folder_is_one_request(url: str, server: ObjectServer) -> None:
    files = open_files(url)
    before = len(server.asked(url))
    assert not files.states("leases")
    assert [request.kind for request in server.asked(url)[before:]] == ["LIST"]


def test_what_is_independent_is_asked_at_a_time(url: str, server: ObjectServer) -> None:
    store, keys = Store(url), [f"{number:064x}" for number in range(24)]
    for key in keys:
        store.publish(key, RECORD | {"key": key}, {})
    server.proxy.seconds, server.proxy.most_at_once = 0.3, 0
    assert store.done_keys() == frozenset(keys)
    assert server.proxy.most_at_once >= 4


def test_a_sweep_takes_few_requests_and_a_finished_one_fewer(
    url: str, server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With MLflow; without leases, which say every ten seconds that their holder lives, and the report's files."""
    monkeypatch.chdir(tmp_path)
    sweep = small_sweep(url, tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", resources={"checkpoint_seconds": 600})
    before = len(server.asked(url))
    ended = run_sweep(sweep, InlineRunner())
    assert ended.summary.complete
    asked = [asked for asked in server.asked(url)[before:] if not _is_lease_or_report(asked)]
    kinds = Counter(request.kind for request in asked)
    units = len(ended.plan.units)
    assert kinds["HEAD"] == 0
    assert len(asked) / units < 16, kinds
    before = len(server.asked(url))
    assert run_sweep(sweep, InlineRunner()).summary.new == frozenset()
    asked = [asked for asked in server.asked(url)[before:] if not _is_lease_or_report(asked)]
    assert {request.kind for request in asked} == {"LIST", "GET"}
    assert len(asked) / units < 2.5, Counter(request.kind for request in asked)


MANY = [f"{number:02x}{number:062x}" for number in range(40)]


def publish_many(url: str) -> None:
    store = Store(url)
    for key in MANY:
        store.publish(key, RECORD | {"key": key}, {})


def asked_to_plan(url: str, server: ObjectServer) -> tuple[frozenset[str], Counter[str]]:
    """What a new process finds done, with every record that it then reads, and what it asked for that."""
    store, before = Store(url), len(server.asked(url))
    done = store.done_keys(MANY)
    assert {key for key, _ in store.records(done)} == done
    asked = server.asked(url)[before:]
    return done, Counter(request.kind for request in asked if request.kind != "LIST")


def test_what_a_run_had_to_ask_for_the_next_one_reads_at_once(url: str, server: ObjectServer) -> None:
    publish_many(url)
    assert asked_to_plan(url, server) == (frozenset(MANY), {"GET": len(MANY)})
    assert not open_files(url).states("bundles"), "who looks writes nothing"
    first = Store(url)
    first.done_keys(MANY)
    with first.bundling():
        pass
    assert asked_to_plan(url, server) == (frozenset(MANY), {"GET": 1})
    for key in MANY[:2]:
        open_files(url).remove(f"units/{key[:2]}/{key}/record.json")
    assert asked_to_plan(url, server) == (frozenset(MANY[2:]), {"GET": 1}), "the listing is what counts"


def test_what_is_read_during_a_run_is_bundled_at_its_end_even_when_it_is_interrupted(
    url: str, server: ObjectServer
) -> None:
    def interrupted() -> None:
        with store.bundling():
            assert store.records_of(MANY).keys() == set(MANY)
            raise KeyboardInterrupt

    publish_many(url)
    store = Store(url)
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert asked_to_plan(url, server) == (frozenset(MANY), {"GET": 1})


def test_a_record_that_was_replaced_or_damaged_since_is_asked_for(url: str, server: ObjectServer) -> None:
    publish_many(url)
    store = Store(url)
    store.done_keys(MANY)
    with store.bundling():
        pass
    path = f"units/{MANY[0][:2]}/{MANY[0]}/record.json"
    open_files(url).write(path, b"damaged")
    assert asked_to_plan(url, server) == (frozenset(MANY[1:]), {"GET": 2})
    open_files(url).write(path, seal(RECORD | {"key": MANY[0], "files": {}, "score": 7.5}))
    found = Store(url)
    assert found.done_keys(MANY) == frozenset(MANY)
    assert dict(found.records())[MANY[0]]["score"] == 7.5


@pytest.mark.parametrize("content", [b"", b"no bundle", zlib.compress(b"x" * 10)[:-2], zlib.compress(bytes(100 << 20))])
def test_a_bundle_that_is_none_costs_requests_alone(url: str, server: ObjectServer, content: bytes) -> None:
    publish_many(url)
    open_files(url).write(f"bundles/{'0' * 32}.gz", content)
    done, asked = asked_to_plan(url, server)
    assert done == frozenset(MANY)
    assert asked["GET"] <= len(MANY) + 1


def test_where_tags_are_no_hashes_of_content_nothing_is_bundled(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a bucket with a key of KMS."""
    publish_many(url)
    monkeypatch.setattr(objects, "_md5", lambda info: "0" * 32)
    store = Store(url)
    assert store.done_keys(MANY) == frozenset(MANY)
    with store.bundling():
        pass
    assert not open_files(url).states("bundles")


def _is_lease_or_report(request: Request) -> bool:
    return request.kind == "PUT" and ("/leases/" in request.path or "/reports/" in request.path)


def test_the_report_of_a_run_lies_beside_its_results(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a cluster the driver's folder is a job's, which goes with it."""
    monkeypatch.chdir(tmp_path)
    sweep = small_sweep(url, tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", methods=["prompt_tuning"], metrics=[])
    ended = run_sweep(sweep, InlineRunner())
    assert ended.report is not None
    assert ended.page == f"{Store(url).url}/reports/small/report.html"
    kept = open_files(url).states("reports")
    assert kept.keys() == {f"reports/small/{path.name}" for path in ended.report.paths}
    assert b"<html" in (open_files(url).read("reports/small/report.html") or b"")
    assert not (tmp_path / "reports").exists()


def test_what_a_client_was_configured_with_travels_to_no_worker(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fsspec.config.conf, "s3", {"key": KEY_ID, "secret": SECRET})
    store = Store(url)
    store.publish(KEY, RECORD, FILES)
    data = pickle.dumps(store)
    assert SECRET.encode() not in data
    assert KEY_ID.encode() not in data
    assert pickle.loads(data).done_keys() == {KEY}


def test_credentials_are_nowhere_but_in_the_environment(url: str, tmp_path: Path) -> None:
    sweep = small_sweep(url, tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", training={"epochs": 1})
    file = tmp_path / "sweep.yaml"
    file.write_text(sweep.model_dump_json(exclude_none=True, exclude_defaults=True))
    command = [sys.executable, "-m", "panda_ray.cli", "run", str(file), "--runner", "inline", "--set", "seeds=[1]"]
    ended = subprocess.run(command, check=False, capture_output=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    written = {"stdout": ended.stdout, "stderr": ended.stderr}
    written |= {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    bucket = fsspec.filesystem("s3", skip_instance_cache=True)
    stored = bucket.find(f"{BUCKET}/{url.rpartition('/')[2]}")
    written |= {path: path.encode() + bucket.cat_file(path) for path in stored}
    assert len(written) > 40
    assert any(path.endswith("record.json") for path in written)
    assert any(path.endswith("mlflow.db") for path in written)
    for place, content in written.items():
        assert SECRET.encode() not in content, place
        assert KEY_ID.encode() not in content, place
