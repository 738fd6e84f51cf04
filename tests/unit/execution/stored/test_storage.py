"""A storage that cannot hold results is named before the first stack; with nothing to hold, nothing is written."""

from __future__ import annotations

import resource
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.workspace import Settings
from support.processes import driving
from support.processes.driving import small_disk
from support.sweeps import records
from support.sweeps.small_sweeps import planned, small_sweep

KEY = "ab" + "0" * 62
RECORD = records.BARE | {"key": KEY}


class Unwanted:
    """A runner that must not be asked for anything."""

    def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
        raise AssertionError("a stack was started")


class Idle:
    """A runner that is asked for nothing."""

    def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
        assert dispatch.exhausted


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that not even root can write to, with a finished study in it."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    plan, store = planned(small_sweep(folder))
    records.publish(plan, store)
    with driving.read_only(folder):
        yield folder


def test_a_storage_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"file' is a file; name a folder"):
        Store(str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"below a file; name a folder"):
        Store(str(tmp_path / "file" / "runs"))


def test_a_storage_with_an_impossible_name_is_refused(tmp_path: Path) -> None:
    for name in ("x" * 300, "/".join(["y" * 100] * 39), "a\0b"):
        with pytest.raises(InputError, match=r"cannot be opened.*name another"):
            Store(f"{tmp_path}/{name}").check_writable()


def test_a_storage_that_is_a_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match="not there; mend the link"):
        Store(str(tmp_path / "link"))


def test_a_storage_whose_folder_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "units").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"'units' is a link.*move the whole storage"):
        Store(str(tmp_path / "store")).check_writable()


def test_trying_a_storage_leaves_nothing_behind(tmp_path: Path) -> None:
    Store(str(tmp_path / "a" / "b")).check_writable()
    assert list(tmp_path.iterdir()) == []
    store = Store(str(tmp_path / "c"))
    store.publish(KEY, RECORD, {"prompt.safetensors": b"x"})
    before = sorted(tmp_path.rglob("*"))
    store.check_writable()
    assert sorted(tmp_path.rglob("*")) == before
    name = uuid.uuid4().hex
    Store(f"memory://{name}").check_writable()
    assert fsspec.filesystem("memory").find(f"/{name}") == []


def test_nothing_starts_where_results_cannot_be_stored(tmp_path: Path, read_only: Path) -> None:
    plan, store = planned(small_sweep(read_only, seeds=[2]))
    assert plan.stacks
    with pytest.raises(InputError, match=rf"{read_only}.*Read-only file system.*name another `storage`"):
        run_plan(plan, Costs.in_store(plan, store), store, Unwanted())


def test_a_full_disk_is_noticed_before_anything_starts(tmp_path: Path) -> None:
    with small_disk(tmp_path) as make_room:
        (tmp_path / "mine").write_bytes(bytes(256 << 10))
        store = Store(str(tmp_path))
        with pytest.raises(InputError, match="No space left"):
            store.check_writable()
        make_room()
        store.check_writable()
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_limit_on_file_sizes_is_noticed_before_anything_starts(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(InputError, match="File too large"):
            Store(str(tmp_path)).check_writable()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_finished_study_on_a_read_only_storage_is_read_and_run_without_writing(read_only: Path) -> None:
    plan, store = planned(small_sweep(read_only))
    assert plan.done == plan.units.keys()
    store.remove_leftovers()
    assert run_plan(plan, Costs.in_store(plan, store), store, Idle()).complete
    assert len(list(store.records())) == len(plan.units)


@pytest.mark.parametrize("command", ["plan", "status"])
def test_looking_at_a_study_writes_nothing(tmp_path: Path, command: str) -> None:
    plan, store = planned(small_sweep(tmp_path / "runs", training={"epochs": 1}))
    records.publish(plan, store, list(plan.units)[:3])
    file = tmp_path / "sweep.yaml"
    file.write_text(plan.sweep.model_dump_json(exclude_none=True, exclude_defaults=True))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*")}
    ended = subprocess.run(
        [sys.executable, "-m", "panda_ray.cli", command, str(file)], check=False, capture_output=True, text=True
    )
    assert ended.returncode in (0, 1), ended.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*")} == before


@pytest.mark.parametrize(
    "name", ["what?", "100%20", "a#b", "a[b]c", "a*b", "a::b", "a b", "ä{x}", "~tilde", "-x", "a'\"b"]
)
def test_any_character_may_be_in_the_name_of_a_storage(tmp_path: Path, name: str) -> None:
    store = Store(str(tmp_path / name))
    store.check_writable()
    store.publish(KEY, RECORD, {"prompt.safetensors": b"x"})
    assert [path.name for path in tmp_path.iterdir()] == [name]
    again = Store(store.url)
    assert again.done_keys() == {KEY}
    assert [key for key, _ in again.records()] == [KEY]
    again.failures.write(KEY, "x")
    assert set(again.failures.among({KEY})) == {KEY}


def test_a_server_that_takes_nothing_is_named_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("AccessDenied: no PutObject for you")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    with pytest.raises(InputError, match=r"memory://bucket.*AccessDenied.*make it writable"):
        Store("memory://bucket/x").check_writable()


def test_a_server_that_does_not_answer_is_no_empty_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything would be computed anew."""
    store = Store(f"memory://{uuid.uuid4().hex}")
    store.publish(KEY, RECORD, {"prompt.safetensors": b"x"})

    def fail(*_: object, **__: object) -> None:
        raise TimeoutError("no answer")

    monkeypatch.setattr(MemoryFileSystem, "find", fail)
    with pytest.raises(InputError, match="cannot be read: no answer"):
        store.done_keys()
    monkeypatch.setattr(MemoryFileSystem, "cat_file", fail)
    with pytest.raises(InputError, match="cannot be read: no answer"):
        store.is_done(KEY)


@pytest.mark.parametrize(("url", "reason"), [("s33://b/x", "s33"), ("git+x://y", "git")])
def test_an_unknown_protocol_is_named(url: str, reason: str) -> None:
    with pytest.raises(InputError, match=rf"storage '{url[:3]}.*{reason}"):
        Store(url)
