"""Where a cluster keeps its sweeps, and a sweep as it stands there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.tracking.server.uri import is_sqlite

STORAGE_VARIABLE = "PANDA_RAY_STORAGE"
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class Home:
    """What a cluster says of itself.

    Attributes:
        root: URL of the folder under which sweeps are kept.
        tracking_uri: where they are logged; None leaves it to the sweep.
    """

    root: str
    tracking_uri: str | None

    @property
    def notes(self) -> str:
        """The place beside the sweeps; no sweep's name begins with a dot."""
        return f"{self.root}/.panda-ray"

    def settle(self, sweep: Sweep) -> Sweep:
        """A sweep with a storage of its own under the root, and this cluster's tracking server.

        A storage that every machine finds, an absolute path or a URL, stays, and so does a server that the sweep names.
        """
        changes: dict[str, object] = {}
        if "://" not in sweep.storage and not Path(sweep.storage).expanduser().is_absolute():
            changes["storage"] = f"{self.root}/{sweep.name}"
        own = sweep.tracking_uri
        if self.tracking_uri is not None and (own is None or is_sqlite(own)):
            changes["tracking_uri"] = self.tracking_uri
        return sweep.model_copy(update=changes)


def find_home() -> Home:
    """As the environment of the head's `ray start` says it, which jobs inherit.

    Raises:
        InputError: it names no storage.
    """
    root = os.environ.get(STORAGE_VARIABLE, "").rstrip("/")
    if not root:
        raise InputError(
            f"the cluster does not say where it keeps sweeps; start its head with {STORAGE_VARIABLE}=URL, a folder or "
            "bucket that all its nodes see"
        )
    return Home(root, os.environ.get(TRACKING_VARIABLE) or None)
