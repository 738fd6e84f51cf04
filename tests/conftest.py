"""What all tests share, this process and those that it starts: one thread each, and a cache folder of their own."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import coverage
import pytest

# Read when torch is imported. Several tests run beside each other, and the threads of tiny models mostly wait for one
# another, which costs several times the work on a busy machine.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session", autouse=True)
def cache_home() -> Iterator[None]:
    """Neither read nor fill the user's cache."""
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(autouse=True)
def same_working_directory() -> Iterator[None]:
    """A test that left this process elsewhere would fail the later ones that start others, when that folder is gone."""
    before = Path.cwd()
    yield
    try:
        after = Path.cwd()
    finally:
        os.chdir(before)
    assert after == before


@pytest.fixture(autouse=True)
def same_interrupt() -> Iterator[None]:
    """A test that left a handler behind would answer the SIGINT of a later one."""
    before = signal.getsignal(signal.SIGINT)
    yield
    after = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)
    assert after == before


@pytest.fixture(scope="session", autouse=True)
def ending_signals() -> None:
    """Let signals end what tests start, also where these tests run in a shell's background or under nohup."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _is_measured(item: pytest.Item) -> bool:
    """Not where a whole run passes what smaller tests have measured: tracing takes two fifths more of a training."""
    end_to_end = item.path.relative_to(Path(__file__).parent).parts[0] == "e2e"
    trains_here = item.get_closest_marker("slow") is not None and item.get_closest_marker("cluster") is None
    return not end_to_end and not trains_here


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Leave some tests out of the coverage."""
    measuring = coverage.Coverage.current()
    if measuring is None or _is_measured(item):
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()
