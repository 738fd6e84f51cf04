"""The commit in the provenance is that of the package, wherever a study is run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import panda_ray
from panda_ray.tracking.writing.provenance import provenance
from support.sweeps.small_sweeps import small_sweep


def repository(folder: Path, *files: Path) -> str:
    """A repository with these files; its one commit."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "add", *map(str, files)], check=True)
    subprocess.run(["git", "-C", str(folder), *who, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    return subprocess.check_output(["git", "-C", str(folder), "rev-parse", "HEAD"], text=True).strip()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's first file in a folder of its own, which counts as the package."""
    copied = tmp_path / "checkout" / "panda_ray" / "__init__.py"
    copied.parent.mkdir(parents=True)
    shutil.copy(panda_ray.__file__, copied)
    monkeypatch.setattr(panda_ray, "__file__", str(copied))
    return copied


def commit(folder: Path) -> str | None:
    said: str | None = provenance(small_sweep(folder))["commit"]
    return said


def test_the_commit_is_the_packages_and_not_the_working_directorys_and_shows_changed_files(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = tmp_path / "checkout", tmp_path / "study"
    expected, elsewhere = repository(own, package), repository(other)
    assert expected != elsewhere
    monkeypatch.chdir(other)
    assert commit(tmp_path) == expected
    package.write_text("# changed\n")
    assert commit(tmp_path) == f"{expected}+"


def test_a_package_that_a_repository_does_not_hold_has_no_commit(package: Path, tmp_path: Path) -> None:
    (tmp_path / "checkout" / "notes.txt").write_text("an environment inside of a study's repository")
    repository(tmp_path / "checkout", tmp_path / "checkout" / "notes.txt")
    assert commit(tmp_path) is None
