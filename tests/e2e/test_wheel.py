"""The wheel alone, outside of a checkout, has everything that the quickstart needs, and plans it without the engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.processes.absence import environment_without, only_for_training

ROOT = Path(__file__).parents[2]
FEW = [
    "sources=[review]",
    "targets=[remark]",
    "seeds=[11]",
    "training.epochs=1",
    "tasks={review: {max_train_rows: 32, max_dev_rows: 16}, remark: {max_dev_rows: 16}}",
]


CODE = "import panda_ray, sys; assert 'installed' in panda_ray.__file__; from panda_ray.cli import main; main()"
"""The command line of the wheel, not that of the checkout."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what the wheel brings."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a build leaves folders beside what it builds
    shutil.copytree(ROOT / "panda_ray", source / "panda_ray", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = ["pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("panda_ray-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_brings_the_built_in_prompts(installed: Path) -> None:
    names = Counter(path.suffix for path in (installed / "panda_ray" / "builtin_prompts" / "units").rglob("*.*"))
    assert names == {".json": 27, ".parquet": 27, ".safetensors": 27}


def panda_ray(elsewhere: Path, environment: Mapping[str, str], *arguments: str) -> Any:
    """What a command line prints as JSON that works in an empty folder."""
    sets = [part for change in FEW for part in ("--set", change)]
    ended = subprocess.run(
        [sys.executable, "-c", CODE, *arguments, "--json", *sets],
        cwd=elsewhere,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_the_wheel_runs_the_quickstart(installed: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    assert panda_ray(tmp_path, environment, "quickstart", "--runner", "inline")["cells"]["done"] == 3
    assert (tmp_path / "runs" / "quickstart").is_dir()


def test_the_wheel_plans_the_quickstart_without_its_extra(
    installed: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = environment_without(only_for_training(), tmp_path_factory.mktemp("start"), installed)
    assert panda_ray(tmp_path, environment, "plan", "quickstart")["cells"] == 3
    assert not list(tmp_path.iterdir())
