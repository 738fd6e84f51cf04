"""Leases: of drivers that want one key at most one holds it, and whatever ends a holder ends its lease."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from panda_ray.execution.store import leases
from panda_ray.execution.store.files.files import Files
from panda_ray.execution.store.files.opening import open_files
from panda_ray.execution.store.leases import EXPIRY_SECONDS, Leases
from panda_ray.execution.store.owner import this_process
from panda_ray.execution.store.store import Store

KEYS = [f"{number:064x}" for number in range(8)]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["local", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "store") if request.param == "local" else f"memory://{uuid.uuid4().hex}"


@pytest.fixture
def driver(url: str) -> Callable[[], Leases]:
    return lambda: Store(url).leases


def foreign(url: str, driver: str = "f" * 32, **owner: object) -> Files:
    """A store with a lease of a process of another machine, or of any other owner."""
    files = open_files(url)
    said = {"machine": "elsewhere", "pid": 1, "started": "1"} | owner
    claim = {"owner": said, "state": "holding", "beats": 0, "members": KEYS[:2]}
    files.write(f"leases/{driver}-{'0' * 32}.json", json.dumps(claim).encode())
    return files


def test_keys_that_another_driver_holds_are_refused_until_it_releases_them(driver: Callable[[], Leases]) -> None:
    first, second = driver(), driver()
    held = first.take("a stack", KEYS[:4])
    assert held.members == set(KEYS[:4])
    overlapping = second.take("another stack", KEYS[2:6])
    assert overlapping.members == set(KEYS[4:6])
    assert second.taken(KEYS) == set(KEYS[:4])
    assert first.taken(KEYS) == set(KEYS[4:6])
    held.release()
    assert second.taken(KEYS) == frozenset()
    assert second.take("a stack", KEYS[:4]).members == set(KEYS[:4])


def test_a_driver_takes_over_its_own_lease_as_after_the_death_of_a_worker(url: str) -> None:
    first = Store(url, driver="a" * 32).leases.take("a stack", KEYS)
    again = Store(url, driver="a" * 32).leases.take("a stack", KEYS)
    assert again.members == first.members == set(KEYS)


def test_of_many_that_ask_at_once_one_holds_each_key_and_every_key_is_held(url: str) -> None:
    barrier = Barrier(8)

    def ask(number: int) -> frozenset[str]:
        barrier.wait()
        own = KEYS[number:] + KEYS[:number]
        return Store(url).leases.take("a stack", own[:5]).members

    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            held = list(pool.map(ask, range(8)))
        assert sum(len(members) for members in held) == len(frozenset[str]().union(*held))
        assert any(held)
        for path in open_files(url).states("leases"):
            open_files(url).remove(path)


def test_a_holder_that_still_asks_is_waited_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = foreign(url)
    path = next(iter(files.states("leases")))
    said = json.loads(files.read(path) or b"")
    files.write(path, json.dumps(said | {"state": "asking"}).encode())
    monkeypatch.setattr(leases.time, "sleep", lambda _: files.remove(path))
    assert Store(url, driver="0" * 32).leases.take("a stack", KEYS[:3]).members == set(KEYS[:3])


def test_the_larger_of_two_that_ask_gives_way_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = foreign(url, driver="0" * 32)
    path = next(iter(files.states("leases")))
    said = json.loads(files.read(path) or b"")
    files.write(path, json.dumps(said | {"state": "asking"}).encode())
    monkeypatch.setattr(leases.time, "sleep", lambda _: pytest.fail("it waits"))
    assert Store(url, driver="f" * 32).leases.take("a stack", KEYS[:3]).members == {KEYS[2]}


def test_a_lease_that_does_not_change_while_it_is_watched_runs_out(url: str) -> None:
    files, clock = foreign(url), Clock()
    watcher = Leases(files, "a" * 32, clock)
    assert watcher.taken(KEYS) == set(KEYS[:2])
    clock.now += EXPIRY_SECONDS
    assert watcher.taken(KEYS) == set(KEYS[:2])
    clock.now += 1
    assert watcher.taken(KEYS) == frozenset()
    assert not files.states("leases")


def test_a_lease_that_beats_never_runs_out(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    held, clock = Store(url).leases.take("a stack", KEYS), Clock()
    watcher = Leases(open_files(url), "a" * 32, clock)
    for _ in range(4):
        assert watcher.taken(KEYS) == set(KEYS)
        clock.now += EXPIRY_SECONDS
        time.sleep(0.3)
    held.release()
    time.sleep(0.1)
    assert not open_files(url).states("leases")


def test_clocks_of_files_and_machines_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(str(tmp_path))
    (path,) = tmp_path.glob("leases/*")
    watcher = Store(str(tmp_path)).leases
    for jump in (0, 4e9):
        os.utime(path, (jump, jump))
        monkeypatch.setattr(leases.time, "time", lambda jump=jump: jump)
        assert watcher.taken(KEYS) == set(KEYS[:2])


def test_a_process_that_is_gone_from_this_machine_holds_nothing_any_more(url: str) -> None:
    code = "from panda_ray.execution.store.owner import this_process; print(this_process(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        living = replace(this_process(), pid=process.pid, started=start_of(process.pid))
        foreign(url, **vars(living))
        watcher = Store(url).leases
        assert watcher.taken(KEYS) == set(KEYS[:2])
        process.kill()
        ends = time.monotonic() + 60
        while watcher.taken(KEYS) and time.monotonic() < ends:  # nobody has waited for the process yet
            time.sleep(0.02)
        assert watcher.taken(KEYS) == frozenset()


def start_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def test_a_process_whose_id_another_one_has_by_now_is_gone() -> None:
    assert not this_process().is_gone
    assert replace(this_process(), started="1").is_gone


def test_of_a_process_on_another_machine_nobody_says_that_it_is_gone() -> None:
    assert not replace(this_process(), machine="elsewhere", pid=2**30).is_gone


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"owner": 1}',
        b'{"owner": {"machine": 1, "pid": "x", "started": 2}}',
    ],
)
def test_what_is_no_lease_holds_nothing_and_is_removed(url: str, content: bytes) -> None:
    files = foreign(url)
    path = next(iter(files.states("leases")))
    files.write(path, content)
    assert Store(url).leases.taken(KEYS) == frozenset()
    assert not files.states("leases")


def test_an_error_while_looking_leaves_no_lease(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(open_files(url)), "states", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Store(url).leases.take("a stack", KEYS)
    monkeypatch.undo()
    assert not open_files(url).states("leases")


def test_one_at_a_time_does_what_has_one_name(url: str) -> None:
    inside, most = 0, 0
    barrier = Barrier(4)

    def work(_: int) -> bool:
        nonlocal inside, most
        barrier.wait()
        with Store(url).leases.alone("the same") as mine:
            inside += 1
            most = max(most, inside)
            time.sleep(0.05)
            inside -= 1
        return mine

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    assert most == 1


def test_a_store_that_was_pickled_belongs_to_the_same_driver(url: str) -> None:
    store = Store(url)
    copy = pickle.loads(pickle.dumps(store))
    with store.leases.take("a stack", KEYS):
        assert copy.leases.taken(KEYS) == frozenset()
        assert Store(url).leases.taken(KEYS) == set(KEYS)


def test_whoever_waits_in_vain_is_told(url: str) -> None:
    with Store(url).leases.alone("the same"), Store(url).leases.alone("the same", patience=0.1) as mine:
        assert not mine
