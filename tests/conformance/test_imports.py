"""Imports point one way, and each outside library has one place: read from the source, not from what ran."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import panda_ray

ROOT = Path(panda_ray.__file__).parent
LAYERS = (
    {"panda_ray", "panda_ray.errors"},
    {"panda_ray.foreign_text", "panda_ray.plain_text", "panda_ray.registry", "panda_ray.secrets", "panda_ray.seeding"},
    {"panda_ray.tasks"},
    {"panda_ray.backbones"},
    {"panda_ray.prompts"},
    {"panda_ray.training"},
    {"panda_ray.training.trainables"},
    {"panda_ray.training.member"},
    {"panda_ray.metrics"},
    {"panda_ray.methods"},
    {"panda_ray.training.engine"},
    {"panda_ray.sweep", "panda_ray.testing"},
    {"panda_ray.execution.units", "panda_ray.execution", "panda_ray.execution.signals"},
    {"panda_ray.execution.store"},
    {"panda_ray.execution.planning"},
    {"panda_ray.execution.events"},
    {"panda_ray.execution.steering"},
    {"panda_ray.execution.costs"},
    {"panda_ray.execution.scheduling", "panda_ray.execution.work"},
    {"panda_ray.execution.runners"},
    {"panda_ray.search", "panda_ray.choosing"},
    {"panda_ray.tracking"},
    {"panda_ray.reports"},
    {"panda_ray.reports.reproduction"},
    {"panda_ray.sweep_file", "panda_ray.clusters"},
    {"panda_ray.usecases"},
    {"panda_ray.cli"},
    {"panda_ray.python"},
)
"""From the bottom up; a module may import its own room and those of lower layers. docs/architecture.md draws them."""

ONLY_IN: dict[str, str | tuple[str, ...]] = {
    "ray": "panda_ray.execution.runners.ray_",
    "mlflow": "panda_ray.tracking.",
    "optuna": "panda_ray.search.in_optuna.",
    "datasets": (
        "panda_ray.tasks.rows.table",
        "panda_ray.tasks.rows.declared_labels",
        "panda_ray.tasks.rows.own.own_files",
        "panda_ray.tasks.rows.own.hub_splits",
    ),
    "typer": "panda_ray.cli",
    "rich": "panda_ray.cli",
    "yaml": ("panda_ray.sweep_file.", "panda_ray.clusters.cluster_file"),
    "matplotlib": "panda_ray.reports.figures.",
    "requests": ("panda_ray.clusters.jobs_api", "panda_ray.clusters.notices", "panda_ray.tracking.server.http"),
    "boto3": "panda_ray.clusters.heads.aws",
    "IPython": "panda_ray.python.notebook",
}
FRONT_DOOR = "panda_ray"
"""The package itself says what `panda_ray.python` offers, and imports it when it is asked for."""

TORCH_FREE = (
    "panda_ray.search",
    "panda_ray.choosing",
    "panda_ray.tracking",
    "panda_ray.reports",
    "panda_ray.sweep",
    "panda_ray.cli",
    "panda_ray.errors",
)
"""Packages that import no torch of their own; what needs none at all is in `test_blocked_imports.py`."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def is_inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def room_of(name: str) -> tuple[int, str]:
    """The layer and the room (the longest package name) that hold `name`."""
    inside = [(level, room) for level, layer in enumerate(LAYERS) for room in layer if is_inside(name, room)]
    return max(inside, key=lambda found: len(found[1]))


def imports_of(name: str) -> Iterator[str]:
    """Full names of everything that a module imports, deferred imports included."""
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively; write the full name"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else str(node.module)


def test_every_package_has_a_layer() -> None:
    packages = {name for name in MODULES if name.count(".") == 1}
    known = {package for layer in LAYERS for package in layer}
    assert packages <= known, f"give {sorted(packages - known)} a layer"


@pytest.mark.parametrize("name", [name for name in MODULES if name != FRONT_DOOR])
def test_imports_stay_in_their_room_or_point_down(name: str) -> None:
    layer, room = room_of(name)
    found = {used: room_of(used) for used in imports_of(name) if is_inside(used, "panda_ray")}
    astray = [used for used, (its_layer, its_room) in found.items() if its_room != room and its_layer >= layer]
    assert not astray, f"{name} imports {astray} from a room beside or above its own"


@pytest.mark.parametrize("name", MODULES)
def test_libraries_stay_in_their_place(name: str) -> None:
    used = {imported.split(".")[0] for imported in imports_of(name)}
    astray = {library for library, place in ONLY_IN.items() if library in used and not name.startswith(place)}
    assert not astray, f"{name} imports {astray}"
    if any(is_inside(name, package) for package in TORCH_FREE):
        assert "torch" not in used, f"{name} imports torch"


def test_walk_sees_deferred_imports() -> None:
    assert "ray" in {"ray", "mlflow"} & {
        imported.split(".")[0] for name in MODULES if ".runners.ray_" in name for imported in imports_of(name)
    }
