"""Processes in which some distributions are not installed, and those that a light install lacks.

What is absent is found by nobody: not by `import`, not by `find_spec`, which libraries ask whether another one is
there, and not by `importlib.metadata`. This holds in processes that such a process starts, too.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]

_FINDER = """
import sys
from importlib.machinery import PathFinder


class Present(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {modules!r} else PathFinder.find_spec(name, path, target)

    @classmethod
    def find_distributions(cls, *context):
        found = PathFinder.find_distributions(*context)
        return (one for one in found if one.name.lower().replace("_", "-") not in {distributions!r})


sys.meta_path[sys.meta_path.index(PathFinder)] = Present
"""


def environment_without(distributions: Collection[str], folder: Path, package: Path = ROOT) -> dict[str, str]:
    """Variables for a process that lacks some distributions.

    Args:
        distributions: their normal names, as in `mlflow-skinny`.
        folder: gets the file that Python reads at its start.
        package: folder that panda_ray is imported from; this checkout unless given.
    """
    absent = set(distributions)
    brought = packages_distributions().items()
    modules = {module for module, names in brought if absent.issuperset(map(canonicalize_name, names))}
    (folder / "sitecustomize.py").write_text(_FINDER.format(modules=modules, distributions=absent))
    path = [str(folder), str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


@cache
def only_for_training() -> frozenset[str]:
    """Distributions that only the extra `train` brings: absent after `pip install panda-ray`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return _brought_by(project["optional-dependencies"]["train"]) - _brought_by(project["dependencies"])


def _brought_by(requirements: Iterable[str]) -> frozenset[str]:
    """All distributions that pip installs for these, as far as they are installed here."""
    waiting = [Requirement(text) for text in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            further = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue
        waiting += [one for one in further if _is_wanted(one, extras)]
    return frozenset(name for name, _ in seen)


def _is_wanted(requirement: Requirement, extras: Collection[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or ("",))
