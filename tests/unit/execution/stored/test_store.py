"""The store: done means complete and intact, whatever died, was damaged or ran twice."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.store.files import folder
from panda_ray.execution.store.files.files import StoreFullError
from panda_ray.execution.store.results import done_units
from panda_ray.execution.store.store import Store
from support.sweeps.records import BARE

KEY, OTHER = "ab" + "0" * 62, "cd" + "1" * 62
RECORD = BARE | {"key": KEY}
FILES = {"prompt.safetensors": b"prompt" * 100, "predictions.parquet": b"rows"}


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store") if request.param == "local" else f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store((tmp_path / "store").as_uri())


def paths(store: Store, pattern: str) -> list[Path]:
    assert store.local_folder is not None
    return sorted(store.local_folder.glob(pattern))


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses to write files beyond a size, as it refuses to write to a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_published_unit_is_done_and_reads_back(store: Store) -> None:
    assert store.done_keys() == frozenset()
    store.publish(KEY, RECORD, FILES)
    assert store.done_keys() == {KEY}
    assert store.done_keys(among={OTHER}) == frozenset()
    assert store.known(KEY)["score"] == 61.5
    assert [key for key, _ in store.records()] == [KEY]
    assert {name: store.read_file(KEY, name) for name in FILES} == FILES


def test_an_unknown_unit_or_file_is_named(store: Store) -> None:
    assert store.record(OTHER) is None
    with pytest.raises(LookupError, match=OTHER):
        store.read_file(OTHER, "prompt.safetensors")
    store.publish(KEY, RECORD, FILES)
    with pytest.raises(LookupError, match=r"predictions\.parquet, prompt\.safetensors"):
        store.read_file(KEY, "promt.safetensors")


def test_records_that_done_keys_has_just_read_are_not_read_again(local: Store) -> None:
    local.publish(KEY, RECORD, FILES)
    assert local.done_keys() == {KEY}
    (path,) = paths(local, "units/*/*/record.json")
    path.write_bytes(b"x" * path.stat().st_size)
    assert [record["score"] for _, record in local.records()] == [61.5]
    assert list(local.records()) == []


def test_units_whose_files_wait_for_a_server_are_checked_beside_each_other(
    local: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"{number:064x}" for number in range(12)]
    for key in keys:
        local.publish(key, BARE | {"key": key}, FILES)
    read, waiting, most = folder.read_listed, 0, 0

    def from_afar(path: str, limit: int) -> bytes | None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        time.sleep(0.1)
        waiting -= 1
        return read(path, limit)

    monkeypatch.setattr(folder, "read_listed", from_afar)
    monkeypatch.setattr(done_units, "_BATCH", 1)
    assert local.done_keys() == frozenset(keys)
    assert most >= 4


def test_a_record_that_was_replaced_since_is_read(local: Store) -> None:
    local.publish(KEY, RECORD, FILES)
    assert local.done_keys() == {KEY}
    (path,) = paths(local, "units/*/*/record.json")
    path.unlink()
    local.publish(KEY, {**RECORD, "score": 7}, FILES)
    assert [record["score"] for _, record in local.records()] == [7]


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
@pytest.mark.parametrize("file", ["prompt.*", "predictions.*", "record.json"])
def test_a_damaged_unit_counts_as_absent_and_is_mended_by_publishing(local: Store, file: str, damage: str) -> None:
    local.publish(KEY, RECORD, FILES)
    assert local.done_keys() == {KEY}
    (path,) = paths(local, f"units/*/*/{file}")
    content = path.read_bytes()
    if damage == "flip":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:] if len(content) > 8 else b"rowz")
    elif damage == "truncate":
        path.write_bytes(content[:-1])
    else:
        path.unlink()
    assert local.done_keys() == frozenset()
    assert not local.is_done(KEY)
    local.publish(KEY, RECORD, FILES)
    assert local.done_keys() == {KEY}
    assert local.read_file(KEY, "prompt.safetensors") == FILES["prompt.safetensors"]


def test_a_damaged_file_is_never_read(local: Store) -> None:
    local.publish(KEY, RECORD, FILES)
    (path,) = paths(local, "units/*/*/prompt.*")
    path.write_bytes(b"Prompt" * 100)
    with pytest.raises(LookupError, match="damaged"):
        local.read_file(KEY, "prompt.safetensors")


def test_a_changed_score_is_noticed(local: Store) -> None:
    local.publish(KEY, RECORD, FILES)
    (path,) = paths(local, "units/*/*/record.json")
    path.write_bytes(path.read_bytes().replace(b"61.5", b"91.5"))
    assert local.record(KEY) is None


def test_the_first_result_stays(store: Store) -> None:
    store.publish(KEY, RECORD, FILES)
    store.publish(KEY, {**RECORD, "score": 10.0}, {"prompt.safetensors": b"other", "predictions.parquet": b"other"})
    assert store.known(KEY)["score"] == 61.5
    assert store.read_file(KEY, "prompt.safetensors") == FILES["prompt.safetensors"]


def test_writers_at_the_same_time_leave_one_consistent_result(local: Store) -> None:
    def publish(number: int) -> None:
        content = bytes([number]) * 2000
        Store(local.url).publish(KEY, {**RECORD, "score": float(number)}, {"prompt.safetensors": content})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(32)))
    assert local.done_keys() == {KEY}
    winner = int(local.known(KEY)["score"])
    assert local.read_file(KEY, "prompt.safetensors") == bytes([winner]) * 2000


def test_a_failure_is_kept_until_the_unit_is_done(store: Store) -> None:
    store.failures.write(KEY, "the loss became NaN", "Traceback ...")
    failure = store.failures.read(KEY)
    assert failure is not None
    assert failure.error == "the loss became NaN"
    assert set(store.failures.among({KEY, OTHER})) == {KEY}
    assert store.done_keys() == frozenset()
    store.publish(KEY, RECORD, FILES)
    assert store.failures.read(KEY) is None


@pytest.mark.parametrize("room", [10, 450])
def test_a_full_disk_leaves_nothing_that_counts_as_done(local: Store, room: int) -> None:
    files = {"prompt.safetensors": b"x" * 400}
    with largest_file(room), pytest.raises(StoreFullError, match=r"no space left.*same command"):
        local.publish(KEY, {**RECORD, "history": [{"epoch": epoch} for epoch in range(50)]}, files)
    assert local.done_keys() == frozenset()
    assert paths(local, "tmp/*") == []
    local.publish(KEY, RECORD, files)
    assert local.done_keys() == {KEY}


def test_leftovers_of_dead_writers_are_removed_but_not_those_of_living_ones(local: Store) -> None:
    local.publish(KEY, RECORD, FILES)
    assert local.local_folder is not None
    old, new = local.local_folder / "tmp" / "old", local.local_folder / "tmp" / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    local.remove_leftovers()
    assert not old.exists()
    assert new.exists()


def test_records_are_plain_json(local: Store) -> None:
    local.publish(KEY, RECORD, FILES)
    (path,) = paths(local, "units/ab/*/record.json")
    record = json.loads(path.read_text())
    assert record["files"]["prompt.safetensors"]["bytes"] == 600
    assert (path.parent / record["files"]["prompt.safetensors"]["path"]).is_file()


def test_an_unknown_protocol_is_an_input_error() -> None:
    with pytest.raises(InputError, match="s33"):
        Store("s33://bucket/x")


READ = {"teacher": {"key": OTHER, "file": "prompt.safetensors"}}


def built_on(data: bytes) -> dict[str, Any]:
    """A record of a unit that read this prompt of another unit."""
    read = {**READ["teacher"], "sha256": hashlib.sha256(data).hexdigest()}
    return {**RECORD, "inputs": {"teacher": [read]}}


def test_a_result_whose_input_came_out_different_is_not_done_and_is_replaced(store: Store) -> None:
    old, new = FILES["prompt.safetensors"], b"repaired"
    store.publish(OTHER, {**RECORD, "key": OTHER}, {**FILES, "prompt.safetensors": new})
    store.publish(KEY, built_on(old), FILES)
    assert store.done_keys() == {OTHER}
    assert store.outdated == {KEY}
    assert not store.is_done(KEY)
    assert store.known(KEY)["score"] == 61.5, "it stays until the new one is there"
    store.publish(KEY, {**built_on(new), "score": 7.5}, FILES)
    assert store.done_keys() == {KEY, OTHER}
    assert not store.outdated
    assert store.is_done(KEY)
    assert store.known(KEY)["score"] == 7.5
    store.publish(KEY, {**built_on(new), "score": 9.5}, FILES)
    assert store.known(KEY)["score"] == 7.5, "of two results from the same inputs the first stays"


def test_a_result_stays_while_its_input_is_gone_or_comes_back_as_it_was(store: Store) -> None:
    store.publish(KEY, built_on(FILES["prompt.safetensors"]), FILES)
    assert store.done_keys() == {KEY}
    assert store.is_done(KEY)
    store.publish(OTHER, {**RECORD, "key": OTHER}, FILES)
    assert store.done_keys() == {KEY, OTHER}
    assert store.is_done(KEY)
    assert not store.outdated
