"""The script that made the packaged backbone: it runs, and one seed gives one file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import panda_ray.backbones

SCRIPT = Path(__file__).parents[3] / "scripts" / "pretrain_builtin.py"
FOLDER = Path(panda_ray.backbones.__file__).parent / "builtin_tiny"


def pretrain(out: Path, *options: str) -> str:
    command = [sys.executable, str(SCRIPT), "--out", str(out), "--steps", "4", "--documents", "400", *options]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


@pytest.mark.slow
def test_one_seed_gives_one_file_and_the_packaged_tokenizer(tmp_path: Path) -> None:
    said = pretrain(tmp_path / "first")
    pretrain(tmp_path / "again")
    pretrain(tmp_path / "other", "--seed", "12")
    first, again, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "again", "other"))
    assert first == again
    assert first != other
    assert (tmp_path / "first" / "tokenizer.json").read_bytes() == (FOLDER / "tokenizer.json").read_bytes()
    assert "hidden words" in said
