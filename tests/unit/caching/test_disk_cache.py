"""The cache folder: entries are whole or absent, whoever writes, damages or removes them at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from panda_ray.tasks.caching.disk import DiskCache, address


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DiskCache:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return DiskCache("test", limit_bytes=1000)


def used(cache: DiskCache, name: str, seconds: int) -> None:
    """Pretend that an entry was last used so many seconds after the epoch."""
    os.utime(cache.folder / name, (seconds, seconds))


def test_what_was_written_reads_back(cache: DiskCache) -> None:
    assert cache.read("a") is None
    cache.write("a", b"content")
    assert bytes(cache.read("a") or b"") == b"content"
    assert [path.name for path in cache.folder.iterdir()] == ["a"]


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 40])
def test_a_damaged_entry_counts_as_absent_and_can_be_written_again(cache: DiskCache, damage: bytes) -> None:
    cache.write("a", b"content!")
    (cache.folder / "a").write_bytes(damage)
    assert cache.read("a") is None
    cache.write("a", b"content!")
    assert bytes(cache.read("a") or b"") == b"content!"


def test_what_was_not_used_for_longest_goes_first(cache: DiskCache) -> None:
    for number, name in enumerate("abc"):
        cache.write(name, b"." * 250)
        used(cache, name, 1000 + number)
    assert cache.read("a") is not None
    cache.write("d", b"." * 250)
    assert {path.name for path in cache.folder.iterdir()} == {"a", "c", "d"}


def test_leftovers_of_writers_that_died_are_removed(cache: DiskCache) -> None:
    cache.write("a", b"content")
    (cache.folder / "dead.new").write_bytes(b"half")
    used(cache, "dead.new", 1000)
    (cache.folder / "busy.new").write_bytes(b"half")
    cache.write("b", b"content")
    assert {path.name for path in cache.folder.iterdir()} == {"a", "b", "busy.new"}


def test_readers_never_see_half_of_what_writers_write(cache: DiskCache) -> None:
    contents = [bytes([number]) * 400 for number in range(8)]

    def write_and_read(content: bytes) -> set[bytes]:
        seen = set()
        for _ in range(40):
            cache.write("shared", content)
            seen.add(bytes(cache.read("shared") or b""))
        return seen

    with ThreadPoolExecutor(8) as pool:
        seen = set().union(*pool.map(write_and_read, contents))
    assert seen <= set(contents)


def test_a_cache_that_cannot_be_written_is_only_slower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "panda_ray").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = DiskCache("test", limit_bytes=1000)
    cache.write("a", b"content")
    assert cache.read("a") is None
    assert bytes(cache.read_or_make("a", lambda: b"content")) == b"content"


_MAKER = """
import sys, time
from panda_ray.tasks.caching.disk import DiskCache

def make():
    print("made", flush=True)
    time.sleep(1)
    return b"content"

print("ready", flush=True)
sys.stdin.readline()
assert bytes(DiskCache("test", 1000).read_or_make("a", make)) == b"content"
"""


def test_of_several_processes_that_need_an_entry_one_makes_it(cache: DiskCache) -> None:
    command = [sys.executable, "-c", _MAKER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    makers = [subprocess.Popen(command, text=True, **pipes) for _ in range(4)]  # type: ignore[call-overload]
    for maker in makers:
        assert maker.stdout.readline() == "ready\n"
    for maker in makers:
        maker.stdin.write("go\n")
        maker.stdin.flush()
    said = [maker.communicate(timeout=60)[0] for maker in makers]
    assert sorted(said) == ["", "", "", "made\n"]
    assert [maker.returncode for maker in makers] == [0] * 4
    assert [path.name for path in cache.folder.iterdir()] == ["a"]


def test_what_could_not_be_made_is_made_by_the_next_one(cache: DiskCache) -> None:
    with pytest.raises(ZeroDivisionError):
        cache.read_or_make("a", lambda: bytes(1 // 0))
    assert bytes(cache.read_or_make("a", lambda: b"content")) == b"content"
    assert bytes(cache.read_or_make("a", lambda: pytest.fail("it is there"))) == b"content"


def test_addresses_differ_with_every_part() -> None:
    parts = [["a", 1], ["a", "1"], ["a", None], ["a"], ["a", [1]]]
    assert len({address(each) for each in parts}) == len(parts)
