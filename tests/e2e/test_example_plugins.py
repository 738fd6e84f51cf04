"""A package outside of this one brings plug-ins: its tests are ours by one import, and workers know them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from panda_ray.execution.store.store import Store

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "panda_ray_example"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that has the example installed; built from a copy, for a build leaves folders."""
    folder = tmp_path_factory.mktemp("example")
    source = shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = ["pip", "install", "--no-deps", "--no-build-isolation", "--target", str(folder / "installed"), str(source)]
    subprocess.run([sys.executable, "-m", *pip], check=True, capture_output=True, text=True)
    return os.environ | {"PYTHONPATH": f"{folder / 'installed'}{os.pathsep}{ROOT}"}


def ended(installed: Mapping[str, str], at: Path, *command: str) -> str:
    """What a process printed."""
    line = [sys.executable, "-m", *command]
    process = subprocess.run(line, env=installed, cwd=at, capture_output=True, text=True, check=False, timeout=500)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_its_own_tests_pass(installed: Mapping[str, str], tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "tests" / "test_contracts.py", tmp_path)
    said = ended(installed, tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "-rs", "test_contracts.py")
    assert "passed" in said
    assert "skipped" not in said


@pytest.mark.cluster
def test_a_list_has_its_method_and_its_sweep_runs_on_workers(installed: Mapping[str, str], tmp_path: Path) -> None:
    assert "blended_pot" in ended(installed, tmp_path, "panda_ray.cli", "methods")
    shutil.copy(EXAMPLE / "sweep.yaml", tmp_path)
    few = ["training.epochs=1", "tasks={same_digits: {max_train_rows: 16, max_dev_rows: 8}}"]
    fewer = ["sources=[same_digits]", "targets=[same_digits]", "methods=[blended_pot]"]
    sets = [part for change in (*few, *fewer) for part in ("--set", change)]
    ended(installed, tmp_path, "panda_ray.cli", "run", "sweep.yaml", *sets, "--runner", "ray")
    records = [record for _, record in Store(str(tmp_path / "runs" / "example")).records()]
    versions = {record["method"]: str(record["identity"]["method_version"]) for record in records}
    assert versions.keys() == {"prompt_tuning", "blended_pot", "e_avg", "token_cosine"}
    assert {name for name, version in versions.items() if "+" in version} == {"blended_pot", "token_cosine"}
