"""Makes a local MLflow database in one step.

MLflow makes its tables over several seconds, and a process that is killed meanwhile leaves a file that no MLflow ever
opens again. So the tables are made elsewhere, and the finished file gets its name at once.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from mlflow import MlflowClient

_PREFIX = ".mlflow-new-"
_LEFTOVER_SECONDS = 600


def create_database(path: Path) -> None:
    """Make an empty database with all tables, unless there is one; another process may do the same at the same time."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path.parent)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=path.parent) as folder:
        made = Path(folder, path.name)
        MlflowClient(f"sqlite:///{made}").search_experiments(max_results=1)
        try:
            path.hardlink_to(made)
        except FileExistsError:
            return


def _remove_leftovers(folder: Path) -> None:
    """What processes left that were killed while they made a database."""
    for left in folder.glob(f"{_PREFIX}*"):
        if time.time() - left.stat().st_mtime > _LEFTOVER_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
