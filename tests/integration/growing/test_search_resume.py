"""Searches whose drivers are killed, and several drivers of one search; studies in each kind of storage."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.search.in_optuna.optuna_storage import open_storage
from panda_ray.search.places import studies_place
from panda_ray.sweep import Sweep
from panda_ray.tracking.server.postgres import Postgres
from support.processes.warm.starting import WarmProcess
from support.sweeps.searches import killed_search, points_of, search
from support.sweeps.small_sweeps import fingerprints


@contextmanager
def driver(*arguments: Path | str | int) -> Iterator[WarmProcess]:
    """A process that has begun a search.

    Args:
        arguments: those of `killed_search`.
    """
    with WarmProcess("support.processes.search_drive", *map(str, arguments)) as process:
        try:
            assert line(process) == "begins\n"
            yield process
        finally:
            process.kill()


def line(process: WarmProcess) -> str:
    """What a driver says next: that it begins, or that a unit has ended."""
    assert process.stdout is not None
    return process.stdout.readline()


def done(process: WarmProcess) -> list[str]:
    """Wait for the end of a search: units of which its driver said that they were done."""
    said = [each.split() for each in iter(lambda: line(process), "")]
    assert process.wait() == 0
    return [key for status, key in said if status == "done"]


def states(sweep: Sweep) -> list[str]:
    """Of all trials in Optuna's storage."""
    storage = open_storage(studies_place(sweep, Store(sweep.storage)))
    (study,) = optuna.get_all_study_names(storage)
    return [trial.state.name for trial in optuna.load_study(study_name=study, storage=storage).trials]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a database that was just made."""
    folder = Path(tempfile.mkdtemp(prefix="studies-"))
    folder.chmod(0o755)
    try:
        database = Postgres(folder)
    except InputError as error:
        pytest.skip(str(error))
    database.start()
    yield database.uri
    os.kill(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pruner", "place", "kills", "points"), [("halving", None, 6, 24), ("none", "studies.log", 3, 8)]
)
def test_a_search_that_is_killed_again_and_again_ends_with_each_point_once(
    tmp_path: Path, pruner: str, place: str | None, kills: int, points: int
) -> None:
    """At any moment of a search: after so many units, and a part of a second."""
    where = () if place is None else (str(tmp_path / place),)
    draw, kept = random.Random(pruner), dict[str, str]()
    for _ in range(kills):
        with driver(tmp_path, pruner, points, *where) as searching:
            for _ in range(draw.choice([0, 0, 1, 2])):
                line(searching)
            time.sleep(draw.uniform(0, 0.5))
            searching.kill()
            assert searching.wait() == -signal.SIGKILL, "each kill hits a search that is not over"
        found = fingerprints(tmp_path)
        assert kept.items() <= found.items(), "what was trained stays as it is"
        kept = found
    assert kept
    sweep = killed_search(tmp_path, pruner, points, *where)
    summary, (standing,) = search(sweep)
    assert kept.items() <= fingerprints(tmp_path).items()
    assert len(points_of(standing)) == len(standing.trials) == points
    assert standing.complete
    assert "RUNNING" not in states(sweep)
    assert len(summary.plan.cells) == 1
    assert not list(tmp_path.glob("leases/*"))


@pytest.mark.slow
@pytest.mark.parametrize("place", ["search.db", "postgres"])
def test_two_drivers_of_one_search_ask_for_each_point_once(
    tmp_path: Path, place: str, request: pytest.FixtureRequest
) -> None:
    where = (request.getfixturevalue("postgres"),) if place == "postgres" else ()
    with driver(tmp_path, "none", 8, *where) as first, driver(tmp_path, "none", 8, *where) as second:
        trained, others = done(first), done(second)
    found = Store(str(tmp_path)).done_keys()
    assert len(found) == 8
    assert {*trained, *others} == found
    assert states(killed_search(tmp_path, "none", 8, *where)) == ["COMPLETE"] * 8
    assert (tmp_path / "search.db").exists() == (place == "search.db")
