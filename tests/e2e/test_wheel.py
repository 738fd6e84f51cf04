"""The wheel alone, outside of a checkout, has everything that the quickstart needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FEW = [
    "sources=[review]",
    "targets=[remark]",
    "seeds=[11]",
    "training.epochs=1",
    "tasks={review: {max_train_rows: 32, max_dev_rows: 16}, remark: {max_dev_rows: 16}}",
]


def test_the_wheel_runs_the_quickstart(tmp_path: Path) -> None:
    source = tmp_path / "source"  # a build leaves folders beside what it builds
    shutil.copytree(ROOT / "panda_ray", source / "panda_ray", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(source),
    ]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,) = tmp_path.glob("panda_ray-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    sets = [part for change in FEW for part in ("--set", change)]
    code = "import panda_ray, sys; assert 'installed' in panda_ray.__file__; from panda_ray.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "quickstart", "--runner", "inline", "--json", *sets],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["cells"]["done"] == 3
    assert (elsewhere / "runs" / "quickstart").is_dir()
