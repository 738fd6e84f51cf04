"""clusters/slurm.sh as a linter sees it. tests/hosts/test_slurm.py runs it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "clusters" / "slurm.sh"


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="not installed: shellcheck")
def test_shellcheck_has_nothing_to_say() -> None:
    said = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


def test_outside_of_slurm_it_names_sbatch() -> None:
    said = subprocess.run(["bash", SCRIPT, "study.yaml"], env={}, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert said.stderr == "slurm.sh: this is a batch script of Slurm; start it by sbatch\n"
