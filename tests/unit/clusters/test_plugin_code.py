"""Plug-ins of a package that is installed in any of three ways reach a machine that has only what was brought."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "panda_ray_example"

BRING = """
import site, sys
from pathlib import Path
site.addsitedir(sys.argv[1])
from panda_ray.clusters.plugin_code import plugin_code
found = plugin_code()
for name, content in found.packages:
    Path(sys.argv[2], name).write_bytes(content)
print(*found.left_behind, sep="\\n")
assert not [name for name in sys.modules if name.startswith("panda_ray_example")], "nothing of it is imported"
"""
KNOWN = """
import site, sys
site.addsitedir(sys.argv[1])
from panda_ray.metrics import METRICS
print(METRICS.version_in_keys("token_cosine", 1))
"""


def said(script: str, *arguments: Path, path: str = "") -> str:
    environment = os.environ | {"PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def install(form: str, folder: Path) -> Path:
    """The folder of a site that has the example."""
    source = shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    if form == "folder":
        return beside_its_metadata(source)
    site = folder / "prefix" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    how = ["--editable"] if form == "editable" else []
    pip = ["pip", "install", "--no-deps", "--no-build-isolation", "--prefix", str(folder / "prefix"), *how, str(source)]
    subprocess.run([sys.executable, "-m", *pip], check=True, capture_output=True, text=True)
    return site


def beside_its_metadata(source: Path) -> Path:
    """As a build leaves it: the package, and what it says of itself."""
    metadata = source / "panda_ray_example.egg-info"
    metadata.mkdir()
    (metadata / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: panda-ray-example\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[panda_ray.metrics]\ntoken_cosine = panda_ray_example.token_cosine:TOKEN_COSINE\n"
    )
    return source


@pytest.mark.parametrize("group", ["tasks", "methods", "metrics", "backbones", "architectures"])
def test_a_package_is_brought_whatever_it_registers(group: str, tmp_path: Path) -> None:
    site = install("folder", tmp_path)
    entry = site / "panda_ray_example.egg-info" / "entry_points.txt"
    entry.write_text(entry.read_text().replace("panda_ray.metrics", f"panda_ray.{group}"))
    brought = tmp_path / "brought"
    brought.mkdir()
    assert said(BRING, site, brought) == ""
    assert len(list(brought.iterdir())) == 1


@pytest.mark.parametrize("form", ["wheel", "editable", "folder"])
def test_plugins_work_from_what_was_brought_and_have_the_same_version_in_keys(form: str, tmp_path: Path) -> None:
    site = install(form, tmp_path)
    assert said(BRING, site, tmp_path) == ""
    [package] = tmp_path.glob("_ray_pkg_*.zip")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(package) as archive:
        assert not [name for name in archive.namelist() if "__pycache__" in name]
        archive.extractall(unpacked)
    here = said(KNOWN, site)
    shutil.rmtree(tmp_path / "source")
    assert here.startswith("1+")
    assert said(KNOWN, tmp_path / "nowhere", path=str(unpacked)) == here


def test_what_is_compiled_is_left_behind_with_what_to_do(tmp_path: Path) -> None:
    site = install("folder", tmp_path)
    (site / "panda_ray_example" / f"fast{EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    sentence = said(BRING, site, tmp_path)
    assert "the plug-ins of the package panda-ray-example cannot be brought along (panda_ray_example/fast" in sentence
    assert "is compiled for this machine): install it on every node" in sentence
    assert not list(tmp_path.glob("_ray_pkg_*.zip"))
