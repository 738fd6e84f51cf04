"""The script that made the packaged backbone: it runs, and one seed gives one file."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import panda_ray.backbones

SCRIPT = Path(__file__).parents[3] / "scripts" / "pretrain_builtin.py"
FOLDER = Path(panda_ray.backbones.__file__).parent / "builtin_tiny"


def command(out: Path, *options: str) -> list[str]:
    return [str(SCRIPT), "--out", str(out), "--steps", "4", "--documents", "400", *options]


def pretrain(patch: pytest.MonkeyPatch, *line: str) -> None:
    """In this process, which spares the imports."""
    patch.setattr(sys, "argv", list(line))
    with torch.random.fork_rng():
        runpy.run_path(line[0], run_name="__main__")


@pytest.mark.slow
def test_one_seed_gives_one_file_and_the_packaged_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = [sys.executable, *command(tmp_path / "first")]
    said = subprocess.run(started, check=True, capture_output=True, text=True, timeout=300).stdout
    pretrain(monkeypatch, *command(tmp_path / "again"))
    pretrain(monkeypatch, *command(tmp_path / "other", "--seed", "12"))
    first, again, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "again", "other"))
    assert first == again
    assert first != other
    assert (tmp_path / "first" / "tokenizer.json").read_bytes() == (FOLDER / "tokenizer.json").read_bytes()
    assert "hidden words" in said
