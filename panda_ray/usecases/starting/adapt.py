"""The folder of an adaptation: a sweep file, what it gives, and the best prompt of it."""

from __future__ import annotations

from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks.rows.own.hub_files import is_on_hub, unpinned
from panda_ray.tasks.rows.own.hub_splits import is_name, is_open, repository_of
from panda_ray.usecases.starting.describe import Described
from panda_ray.usecases.starting.init import sweep_text
from panda_ray.usecases.starting.named_rows import NamedRows, Say, named_rows, task_name

PROMPT = "prompt"
"""The folder of the exported prompt."""


def rows_of_folder(data: str, folder: Path | None, say: Say = lambda _: None) -> NamedRows:
    """The rows to learn from; an adaptation that goes on keeps to the commit of a data set that it began with.

    Args:
        folder: of the adaptation; named after the data unless given.

    Raises:
        InputError: as `named_rows`, or the folder's sweep file cannot be read.
    """
    name = task_name(data)
    file = (folder or Path(name)) / f"{name}.yaml"
    if is_name(data) and is_open(data) and file.is_file():
        section = load_sweep(str(file)).tasks.get(name)
        place = None if section is None else section.data
        if section is not None and place is not None and is_on_hub(place):
            repository = repository_of(data).partition(":")[0]
            if unpinned(place).repository.rpartition("/")[2] == repository.rpartition("/")[2]:
                return NamedRows(name, place, section.dev, (f"{place}, as {file} says",))
    return named_rows(data, say)


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
