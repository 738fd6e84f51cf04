"""Where the rows are that a person named: a file, a folder, or a data set of the Hub at the commit that it has now."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.tasks import TASKS
from panda_ray.tasks.rows.own.hub_files import is_here, is_on_hub, unpinned
from panda_ray.tasks.rows.own.hub_splits import HubSplits, at_its_commit, is_name, repository_of, splits_of

Say = Callable[[str], None]

_TRAIN = "train"
_VALIDATION = ("validation", "valid", "val", "dev")
"""What splits to evaluate on are called; one that is called `test` stays unseen."""

_SPLIT = re.compile(rf"({'|'.join((_TRAIN, *_VALIDATION, 'test'))})(?![A-Za-z])", re.IGNORECASE)
"""How the name of a file or folder begins that is one split."""


@dataclass(frozen=True)
class NamedRows:
    """Where rows are.

    Attributes:
        name: as a task of them may be called.
        data, dev: as a sweep file says it; no `dev` where a part of `data` is to be drawn.
        lines: what was found out about the splits of a data set.
    """

    name: str
    data: str
    dev: str | None = None
    lines: tuple[str, ...] = ()


def named_rows(data: str, say: Say = lambda _: None) -> NamedRows:
    """The rows to learn from, and those to evaluate on where they are apart.

    Args:
        say: hears what will be fetched, before it is.

    Raises:
        InputError: the Hub cannot be reached or has no such data set, or it does not say what to learn from.
    """
    if is_on_hub(data):
        place = at_its_commit(data)
        return NamedRows(task_name(data), place, None, (place,))
    if Path(data).expanduser().is_dir():
        return _of_folder(data)
    if not is_name(data):
        return NamedRows(task_name(data), data)
    found = splits_of(data)
    train = found.asked or (_TRAIN if _TRAIN in found.paths else _only_split(found, data))
    dev = None if found.asked else _dev_split(found.paths)
    splits = [train] if dev is None else [train, dev]
    places = [found.place(split) for split in splits]
    lines = _lines(found, splits)
    if not all(map(is_here, places)):
        say(f"{found.repository}: fetching {found.megabytes(splits):,.1f} MB from the Hub, {' and '.join(splits)}")
    return NamedRows(task_name(data), places[0], None if dev is None else places[1], lines)


def _of_folder(data: str) -> NamedRows:
    """A folder's own splits where it has them, and otherwise all of its files as one.

    Raises:
        InputError: a split is in several files beside those of the other.
    """
    splits: dict[str, list[Path]] = {}
    for path in sorted(Path(data).expanduser().iterdir()):
        if (found := _SPLIT.match(path.name)) is not None:
            splits.setdefault(found[0].lower(), []).append(path)
    if _TRAIN not in splits or len(splits) == 1:
        return NamedRows(task_name(data), data)
    dev = _dev_split(splits)
    used = [_TRAIN] if dev is None else [_TRAIN, dev]
    for name in used:
        if len(splits[name]) > 1:
            raise InputError(
                f"{data}: {name!r} is {len(splits[name])} files beside those of another split; put each split into a "
                f"folder of its own, such as {data.rstrip('/')}/{name}"
            )
    places = [str(Path(data, splits[name][0].name)) for name in used]
    unread = [path.name for name, paths in splits.items() if name not in used for path in paths]
    line = f"learns from {places[0]}, and evaluates on {'a part of it' if dev is None else places[1]}"
    line += f"; not read: {', '.join(unread)}" if unread else ""
    return NamedRows(task_name(data), places[0], None if dev is None else places[1], (line,))


def _dev_split(splits: Collection[str]) -> str | None:
    """The one to evaluate on, if there is any."""
    return next((name for name in _VALIDATION if name in splits), None)


def rows_to_label(data: str) -> str:
    """The same for rows that are to be labelled: of several splits one must be named.

    Raises:
        InputError: as `named_rows`.
    """
    if is_on_hub(data):
        return at_its_commit(data)
    if not is_name(data):
        return data
    found = splits_of(data)
    return found.place(found.asked or _only_split(found, data))


def task_name(data: str) -> str:
    """Of rows, as a task may be called."""
    if is_on_hub(data):
        named = unpinned(data).repository.rpartition("/")[2]
    elif is_name(data):
        named = repository_of(data).rpartition("/")[2]
    else:
        named = Path(data).stem
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", named).lstrip("._-") or "mine"
    return f"my_{plain}" if plain in {task.name for task in TASKS} else plain


def _only_split(found: HubSplits, data: str) -> str:
    if len(found.paths) != 1:
        listed = ", ".join(found.paths)
        raise InputError(f"{data} has the splits {listed}; name one: '{data}#{next(iter(found.paths))}'")
    return next(iter(found.paths))


def _lines(found: HubSplits, splits: list[str]) -> tuple[str, ...]:
    unused = [split for split in found.paths if split not in splits]
    said = f"{found.repository} on the Hub, configuration {found.config}, commit {found.commit[:8]}: learns from the "
    said += f"split {splits[0]!r}, and evaluates on "
    said += f"{splits[1]!r}" if len(splits) > 1 else "a part of it"
    return (said + (f"; not read: {', '.join(unused)}" if unused else ""),)
