"""The folder of an adaptation: a sweep file, what it gives, and the best prompt of it."""

from __future__ import annotations

from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.usecases.starting.describe import Described
from panda_ray.usecases.starting.init import sweep_text

PROMPT = "prompt"
"""The folder of the exported prompt."""


def sweep_of_folder(found: Described, backbone: str, folder: Path) -> tuple[Path, Sweep]:
    """The sweep file in a folder, written unless it is there already; an edited one counts as it is.

    Raises:
        InputError: the folder holds something else, or a sweep on other data.
    """
    file = folder / f"{found.name}.yaml"
    if not file.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} holds something else than {file.name}; name a new folder with --out")
        text = sweep_text(found, backbone, str(folder / "runs"))
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    sweep = load_sweep(str(file))
    section = sweep.tasks.get(found.name)
    if section is None or section.data != found.data:
        raise InputError(f"{file} is not about {found.data}; name a new folder with --out")
    return file, sweep
