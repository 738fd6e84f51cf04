"""Where a cluster keeps its sweeps, and a sweep as it stands there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.tracking.server.uri import is_sqlite

_STORAGE = "PANDA_RAY_STORAGE"
_TRACKING = "MLFLOW_TRACKING_URI"


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


def named_home() -> Home | None:
    """As the environment of the head's `ray start` says it, which jobs inherit; None where it names no storage."""
    root = os.environ.get(_STORAGE, "").rstrip("/")
    return Home(root, os.environ.get(_TRACKING) or None) if root else None


def find_home() -> Home:
    """Likewise on a head, which must say it.

    Raises:
        InputError: it does not.
    """
    home = named_home()
    if home is None:
        raise InputError(
            f"the cluster does not say where it keeps sweeps; start its head with {_STORAGE}=URL, a folder or "
            "bucket that all its nodes see"
        )
    return home
