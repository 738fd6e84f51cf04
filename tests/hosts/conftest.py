"""Hosts for one test module at a time, and a laptop. See `tests/testbed`; `make cluster-test` opens the room."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import Laptop, Testbed
from testbed.room import IN_ROOM, missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all that is in this folder, and skip it where there can be no hosts."""
    here = Path(__file__).parent
    reason = missing() or (None if IN_ROOM in os.environ else "outside of a room: make cluster-test")
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.hosts)
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def testbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """A network without hosts."""
    testbed = Testbed(tmp_path_factory.mktemp("testbed"))
    yield testbed
    testbed.close()


@pytest.fixture(scope="module")
def laptop(testbed: Testbed) -> Laptop:
    return Laptop(testbed, Path(sys.executable))
