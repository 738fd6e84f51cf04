"""Plug-ins of other installed packages are registered beside the package's own; names are told apart."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.registry import Registry

ROOT = Path(__file__).parents[2]
MODULE = """
from panda_ray.methods.pot import PoT
from panda_ray.metrics.constant import Constant

class Copy(PoT):
    name = "copy"
    summary = "as PoT, by somebody else"

class Twin(PoT):
    pass

class Third(Constant):
    name = "third"

COPY, TWIN = Copy(), Twin()
METRICS = (Third(),)
"""


@dataclass(frozen=True)
class Thing:
    name: str


def install(folder: Path, entries: str) -> dict[str, str]:
    """Lay a package down as pip would; the environment in which it is found."""
    (folder / "theirs.py").write_text(MODULE)
    info = folder / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def command(environment: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "panda_ray.cli", *arguments]
    return subprocess.run(line, env=environment, cwd=folder, capture_output=True, text=True, check=False)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    things = Registry("thing", (Thing("alpha"), Thing("beta")))
    assert [thing.name for thing in things] == ["alpha", "beta"]
    assert "beta" in things
    assert things.get("beta") == Thing("beta")
    with pytest.raises(InputError, match=r"here: unknown thing 'bet'; did you mean 'beta'\? \(allowed: alpha, beta\)"):
        things.get("bet", where="here")


def test_twins_are_refused() -> None:
    with pytest.raises(InputError, match="two things are called 'alpha': one of panda_ray, one of panda_ray"):
        Registry("thing", (Thing("alpha"), Thing("alpha"))).get("alpha")


def test_plug_ins_of_another_package_may_be_named_in_a_sweep(tmp_path: Path) -> None:
    entries = "[panda_ray.methods]\ncopy = theirs:COPY\n\n[panda_ray.metrics]\nall = theirs:METRICS\n"
    environment = install(tmp_path, entries)
    (tmp_path / "x.yaml").write_text(
        "name: x\nstorage: store\nbackbones: [builtin-tiny]\nsources: [review]\ntargets: [remark]\n"
        "methods: [copy]\nmetrics: [third]\n"
    )
    for listing, name in (("methods", "copy"), ("metrics", "third")):
        listed = command(environment, tmp_path, listing)
        assert listed.returncode == 0, listed.stderr
        assert name in listed.stdout
    planned = command(environment, tmp_path, "plan", "x.yaml")
    assert planned.returncode == 0, planned.stderr
    assert "copy" in planned.stdout


KEYS = """
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.execution.units.graph import Graph
from panda_ray.sweep_file import load_sweep

sweep = load_sweep("x.yaml", [])
graph = Graph(sweep, read_catalog(sweep))
source, transfer = [graph.cell("builtin-tiny", label, sources, "remark", 1)
                    for label, sources in (("prompt_tuning", ()), ("copy", ("review",)))]
print(source, transfer, graph.units[transfer].method_version)
"""


def test_the_source_of_a_plug_in_enters_the_keys_of_what_it_makes_and_no_other(tmp_path: Path) -> None:
    environment = install(tmp_path, "[panda_ray.methods]\ncopy = theirs:COPY\n")
    (tmp_path / "x.yaml").write_text(
        "name: x\nstorage: store\nbackbones: [builtin-tiny]\nsources: [review]\ntargets: [remark]\n"
        "methods: [prompt_tuning, copy]\nseeds: [1]\n"
    )

    def keys() -> list[str]:
        line = [sys.executable, "-c", KEYS]
        asked = subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.split()

    source, transfer, version = keys()
    assert keys() == [source, transfer, version]
    assert version.startswith("1+")
    (tmp_path / "theirs.py").write_text(MODULE + "# another line\n")
    assert keys()[0] == source
    assert keys()[1] != transfer


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("twin = theirs:TWIN", "two methods are called 'pot': one of panda_ray, one of the package theirs; rename"),
        ("gone = theirs:GONE", "theirs:GONE of the package theirs cannot be imported: AttributeError"),
        ("odd = theirs:MODULE_THAT", "theirs:MODULE_THAT of the package theirs cannot be imported"),
        ("odd = os:sep", "os:sep of the package theirs is no method: it has no name"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_one_sentence(tmp_path: Path, entry: str, said: str) -> None:
    ended = command(install(tmp_path, f"[panda_ray.methods]\n{entry}\n"), tmp_path, "methods")
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
