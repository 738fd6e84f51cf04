"""Searches whose drivers are killed, and several drivers of one search."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest

from panda_ray.execution.store.store import Store
from panda_ray.search.places import studies_place
from support.searches import killed_search, points_of, search
from support.small_sweeps import fingerprints

TESTS = Path(__file__).parents[2]


@contextmanager
def driver(storage: Path, pruner: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "support.search_drive", str(storage), pruner]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def trained_by(process: subprocess.Popen[str]) -> list[str]:
    """Units of which the process said that they were done, until it ended."""
    assert process.stdout is not None
    return [line.split()[1] for line in process.stdout if line.startswith("done ")]


def states(storage: Path, pruner: str) -> list[str]:
    """Of all trials in Optuna's storage."""
    sweep = killed_search(storage, pruner)
    place = optuna.storages.RDBStorage(studies_place(sweep, Store(sweep.storage)))
    (study,) = optuna.get_all_study_summaries(place)
    return [trial.state.name for trial in optuna.load_study(study_name=study.study_name, storage=place).trials]


@pytest.mark.slow
@pytest.mark.parametrize("pruner", ["none", "halving"])
def test_a_search_that_is_killed_again_and_again_ends_with_each_point_once(tmp_path: Path, pruner: str) -> None:
    draw, kept = random.Random(pruner), dict[str, str]()
    for _ in range(3):
        with driver(tmp_path, pruner) as process:
            assert process.stdout is not None
            process.stdout.readline()
            for _ in range(draw.randrange(3)):
                process.stdout.readline()
            time.sleep(draw.uniform(0, 2))
        found = fingerprints(tmp_path)
        assert kept.items() <= found.items(), "what was trained stays as it is"
        kept = found
    summary, (standing,) = search(killed_search(tmp_path, pruner))
    assert kept.items() <= fingerprints(tmp_path).items()
    assert len(points_of(standing)) == len(standing.trials) == 8
    assert standing.complete
    assert "RUNNING" not in states(tmp_path, pruner)
    assert len(summary.plan.cells) == 1
    assert not list(tmp_path.glob("leases/*"))


@pytest.mark.slow
def test_two_drivers_of_one_search_ask_for_each_point_once(tmp_path: Path) -> None:
    with driver(tmp_path, "none") as first, driver(tmp_path, "none") as second:
        trained = [*trained_by(first), *trained_by(second)]
        assert (first.wait(timeout=60), second.wait(timeout=60)) == (0, 0)
    found = Store(str(tmp_path)).done_keys()
    assert len(found) == 8
    assert set(trained) == found
    assert states(tmp_path, "none").count("COMPLETE") == len(states(tmp_path, "none")) == 8
