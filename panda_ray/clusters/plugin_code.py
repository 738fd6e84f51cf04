"""The plug-ins of other packages that are installed here, as packages that a cluster's jobs bring along.

What registers them is a distribution's metadata, so that goes with its source: workers find both on their path and read
the entry points there. It makes no difference whether a distribution was installed from a wheel, a folder, or editable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.metadata import Distribution, entry_points
from importlib.util import find_spec
from pathlib import Path

from panda_ray.clusters.code import zipped
from panda_ray.registry import GROUPS

_LARGEST = 32 << 20
"""Bytes of all files of a package; data sets and weights have ways of their own to a cluster."""


@dataclass(frozen=True)
class PluginCode:
    """What is installed here besides this package.

    Attributes:
        packages: name and content of one for every distribution that can be brought.
        left_behind: a sentence for each that cannot: it is not there as files, is compiled, or is too large.
    """

    packages: tuple[tuple[str, bytes], ...]
    left_behind: tuple[str, ...]


class _LeftBehindError(Exception):
    """Why a distribution cannot be brought, as a clause."""


def plugin_code() -> PluginCode:
    """Of every distribution with plug-ins; none of their modules is imported."""
    groups = [group for group in entry_points().groups if group.startswith(GROUPS)]
    found = {entry.dist.name: entry.dist for group in groups for entry in entry_points(group=group) if entry.dist}
    packages, left_behind = [], []
    for name in sorted(found):
        try:
            packages.append(_package(found[name]))
        except _LeftBehindError as error:
            left_behind.append(
                f"the plug-ins of the package {name} cannot be brought along ({error}): install it on every node"
            )
    return PluginCode(tuple(packages), tuple(left_behind))


def _package(distribution: Distribution) -> tuple[str, bytes]:
    """Raises: _LeftBehindError."""
    files = {
        name: path.read_bytes()
        for top in _top_names(distribution)
        for name, path in _files(top)
        if "__pycache__" not in path.parts
    }
    metadata = f"{distribution.name.replace('-', '_')}-{distribution.version}.dist-info"
    for name in ("METADATA", "PKG-INFO", "entry_points.txt"):
        if (text := distribution.read_text(name)) is not None:
            files[f"{metadata}/{'METADATA' if name == 'PKG-INFO' else name}"] = text.encode()
    if (size := sum(map(len, files.values()))) > _LARGEST:
        raise _LeftBehindError(f"it has {size >> 20} MiB, and {_LARGEST >> 20} are the most")
    content = zipped(dict(sorted(files.items())))
    return f"_ray_pkg_{hashlib.sha256(content).hexdigest()[:24]}.zip", content


def _top_names(distribution: Distribution) -> list[str]:
    """The modules and packages of a distribution that are not inside others; an editable one lists no files."""
    said = (distribution.read_text("top_level.txt") or "").split()
    plugins = [entry.module.partition(".")[0] for entry in distribution.entry_points if entry.group.startswith(GROUPS)]
    return sorted({*said, *plugins})


def _files(top: str) -> Iterator[tuple[str, Path]]:
    """Every file of a module or package, by its name in the zip."""
    for name, path in _found(top, find_spec(top)):
        if path.name.endswith(tuple(EXTENSION_SUFFIXES)):
            raise _LeftBehindError(f"{name} is compiled for this machine")
        yield name, path


def _found(top: str, spec: ModuleSpec | None) -> Iterator[tuple[str, Path]]:
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec is not None else []
    if folders and all(folder.is_dir() for folder in folders):
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield f"{top}/{path.relative_to(folder).as_posix()}", path
    elif spec is not None and spec.origin is not None and Path(spec.origin).is_file():
        yield Path(spec.origin).name, Path(spec.origin)
    else:
        raise _LeftBehindError(f"its module {top} is no file")
