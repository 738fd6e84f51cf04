"""The code of this panda_ray as a package that a cluster's jobs can bring along: a zip, which needs no pip there."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import panda_ray

_FOLDER = Path(panda_ray.__file__).parent
_SHIPPED = "py_modules_files"
"""In the paths at which Ray unpacks the code that a job brings."""

_WHERE = "import pathlib, panda_ray; print(pathlib.Path(panda_ray.__file__).parent)"
_DATE = (2020, 1, 1, 0, 0, 0)
"""Of every file, so that equal code is an equal package."""


def code_hash(folder: Path = _FOLDER) -> str:
    """16 hexadecimal digits for every byte of a package's folder."""
    digest = hashlib.sha256()
    for path in _files(folder):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def installed_code() -> str | None:
    """Likewise of the panda_ray that this machine has without what a job brought; None where there is none."""
    if _SHIPPED not in str(_FOLDER):
        return code_hash()
    path = os.pathsep.join(
        part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and _SHIPPED not in part
    )
    command = [sys.executable, "-P", "-c", _WHERE]
    environment = {**os.environ, "PYTHONPATH": path}
    asked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return code_hash(Path(asked.stdout.strip())) if asked.returncode == 0 else None


def code_package() -> tuple[str, bytes]:
    """Name and content of the package, of about 3 MB."""
    files = {f"panda_ray/{path.relative_to(_FOLDER).as_posix()}": path.read_bytes() for path in _files(_FOLDER)}
    return f"_ray_pkg_panda_ray_{code_hash()}.zip", zipped(files)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, equal for equal files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return iter(sorted(found))
