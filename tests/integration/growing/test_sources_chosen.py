"""Sources that a metric chooses while a sweep runs: the same ones here and on Ray, and after a driver was killed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.searching.searches import known_plan
from support.processes.warm.starting import WarmProcess
from support.sweeps.chosen import chosen_by
from support.sweeps.small_sweeps import contents, fingerprints

SWEEP = """\
name: chosen
storage: {storage}
backbones: [builtin-tiny]
sources: [review, kinds, paraphrase]
targets: [remark, duplicate]
methods: [prompt_tuning, {{method: pot, sources: {{top: 1, by: logme}}}}]
seeds: [1, 2]
training: {{epochs: 2, prompt_len: 4, batch_size: 16, dropout: 0}}
tasks:
  review: {{max_train_rows: 48, max_dev_rows: 24}}
  kinds: {{max_train_rows: 48, max_dev_rows: 24}}
  paraphrase: {{max_train_rows: 48, max_dev_rows: 24}}
  remark: {{max_train_rows: 48, max_dev_rows: 24}}
  duplicate: {{max_train_rows: 48, max_dev_rows: 24}}
"""
PATIENCE = 240


def written(folder: Path) -> tuple[Path, Sweep]:
    folder.mkdir(exist_ok=True)
    path = folder / "chosen.yaml"
    path.write_text(SWEEP.format(storage=folder / "runs"))
    return path, load_sweep(str(path))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The sweep, run in this process without an interruption."""
    _, sweep = written(tmp_path_factory.mktemp("quiet"))
    assert run_sweep(sweep, InlineRunner()).complete
    return sweep


def chosen(sweep: Sweep) -> dict[tuple[str, int], list[str]]:
    plan, _ = known_plan(sweep, Store(sweep.storage))
    return chosen_by(plan)


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.usefixtures("local_ray")
def test_ray_chooses_and_trains_what_the_inline_runner_does(quiet: Sweep, tmp_path: Path) -> None:
    _, sweep = written(tmp_path)
    run = run_sweep(sweep, RayTuneRunner())
    assert run.complete
    assert run.cells == {"total": 8, "done": 8, "failed": 0, "blocked": 0}
    assert chosen(sweep) == chosen(quiet)
    ours, theirs = contents(tmp_path / "runs"), contents(Path(quiet.storage))
    assert ours.keys() == theirs.keys()
    assert {key: score for key, (score, _) in ours.items()} == {key: score for key, (score, _) in theirs.items()}


@pytest.mark.slow
@pytest.mark.parametrize("done_before", [3, 14])
def test_a_driver_that_is_killed_before_or_after_the_choice_is_followed_by_one_that_chooses_the_same(
    quiet: Sweep, tmp_path: Path, done_before: int
) -> None:
    path, sweep = written(tmp_path)
    with WarmProcess("panda_ray.cli", "run", str(path), "--runner", "inline", stderr=subprocess.DEVNULL) as driver:
        wait_for(lambda: len(list((tmp_path / "runs").glob("units/*/*/record.json"))) >= done_before, driver)
        driver.kill()
    kept = fingerprints(tmp_path / "runs")
    assert len(kept) >= done_before
    run = run_sweep(sweep, InlineRunner())
    assert run.complete
    assert kept.items() <= fingerprints(tmp_path / "runs").items(), "what was trained stays as it is"
    assert not run.summary.new & kept.keys()
    assert chosen(sweep) == chosen(quiet)
    assert contents(tmp_path / "runs").keys() == contents(Path(quiet.storage)).keys(), "no source but the chosen ones"


def wait_for(happens: Callable[[], bool], driver: WarmProcess) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happens():
        assert driver.poll() is None, "the driver ended too soon"
        assert time.monotonic() < deadline
        time.sleep(0.05)
