"""Where numbers come from, without anything private: versions, the commit, the sweep without paths and addresses."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import panda_ray
from panda_ray.sweep import Sweep

_PACKAGES = ("panda-ray", "torch", "transformers", "ray", "mlflow", "numpy", "scipy")
_DISTRIBUTIONS = {"mlflow": "mlflow-skinny"}
"""MLflow's client, which also comes without the rest of MLflow and always has its version."""

_PRIVATE: Mapping[str, Any] = {"storage": True, "tracking_uri": True, "data_root": True, "search": {"storage": True}}
"""Fields of a sweep that name hosts, folders or accounts; so do the paths of its backbones and of tasks' own data."""


def provenance(sweep: Sweep) -> dict[str, Any]:
    """JSON data for the summary run and the report."""
    own_paths = {name: {"data", "dev"} for name in sweep.tasks}
    return {
        "versions": dict(versions()),
        "commit": _commit(),
        "sweep": {
            **sweep.model_dump(mode="json", exclude={**_PRIVATE, "tasks": own_paths}),
            "backbones": [section.name for section in sweep.backbones],
        },
    }


def versions() -> Iterator[tuple[str, str]]:
    """Of what is installed: whoever tracks from the store needs no engine, and each unit's record has that one's."""
    yield "python", platform.python_version()
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            yield name, version(_DISTRIBUTIONS.get(name, name))


def _commit() -> str | None:
    """The commit that this package is of, with `+` if its files differ from it; None where that is not known.

    The folder decides, not the working directory: whoever runs a study keeps it in a repository of their own, and an
    environment inside of that is not part of it.
    """
    folder = Path(panda_ray.__file__).parent
    try:
        _git(folder, "ls-files", "--error-unmatch", Path(panda_ray.__file__).name)
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", ".")
    except (OSError, subprocess.SubprocessError):
        return _installed_commit()
    return f"{commit}{'+' if changed else ''}"


def _installed_commit() -> str | None:
    """What pip has noted of a package that it installed from a repository."""
    try:
        noted = json.loads(distribution("panda-ray").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    commit = noted.get("vcs_info", {}).get("commit_id")
    return commit if isinstance(commit, str) else None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
