"""Which Parquet files are a split of a task: found by name, in the layouts that data sets are kept in.

In a task's folder, or in `data/` below it: one file (`train.parquet`), numbered parts as the Hub names them
(`train-00000-of-00002.parquet`), or a folder of parts (`train/`, or `train.parquet/` as Spark writes it). Nothing is
read here: planning looks at many tasks, and names are all it needs.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from panda_ray.errors import InputError

SUFFIX = ".parquet"
_FOLDERS = ("", "data")
_NUMBERED = re.compile(r"(?P<stem>.+)-(?P<index>\d+)-of-(?P<count>\d+)(-[0-9a-f]+)?\.parquet")


def find_split(folder: Path, names: Sequence[str]) -> Sequence[Path]:
    """Files of a split that is called one of `names`, in the order of their rows; empty if there is none.

    Raises:
        InputError: for a split that is there twice, in part, or in a form that cannot be read.
    """
    found = [files for base in _FOLDERS for name in names for files in _layouts(folder / base, name)]
    if len(found) > 1:
        raise InputError(
            f"{folder}: both {found[0][0].relative_to(folder)} and {found[1][0].relative_to(folder)} could be "
            f"{names[0]!r}; keep one of them"
        )
    if found:
        return found[0]
    others = [path for base in _FOLDERS for name in names for path in _alike(folder / base, name)]
    if others:
        raise InputError(
            f"{others[0]}: is not read as {names[0]!r}; write the rows as {names[0]}{SUFFIX}, as "
            f"{names[0]}-00000-of-00001{SUFFIX} and so on, or as a folder {names[0]}/ of Parquet files"
        )
    return ()


def check_complete(files: Sequence[Path]) -> None:
    """Numbered parts are all there, once each.

    Raises:
        InputError: naming the first part that lacks, or a part of another count.
    """
    numbered = [(path, match) for path in files if (match := _NUMBERED.fullmatch(path.name))]
    counts = {int(match["count"]): path for path, match in numbered}
    if len(counts) > 1:
        few, many = (counts[count] for count in sorted(counts)[:2])
        raise InputError(f"{few} and {many.name} are parts of different copies; keep one of them")
    indices = {int(match["index"]) for _, match in numbered}
    for count, path in counts.items():
        missing = next((index for index in range(count) if index not in indices), None)
        if missing is not None:
            raise InputError(f"{path.name}: of {count} parts, part {missing:05d} is missing (looked in {path.parent})")
        if len(numbered) != count:
            raise InputError(
                f"{path.name}: {len(numbered)} files are called parts of {count} (looked in {path.parent})"
            )


def in_row_order(files: Sequence[Path]) -> list[Path]:
    """Parts by the numbers in their names, so that part 10 comes after part 9."""
    return sorted(files, key=lambda path: [(int(n or 0), text) for n, text in re.findall(r"(\d*)(\D*)", path.name)])


def check_readable(path: Path) -> None:
    """A regular file that can be opened.

    Raises:
        InputError: for anything else that is there under this name.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{path}: is neither a file nor a folder of files")
        with path.open("rb"):
            pass
    except OSError as error:
        raise InputError(f"{path}: is there but cannot be read ({error.strerror or error})") from error


def _layouts(folder: Path, name: str) -> Iterator[Sequence[Path]]:
    """Every form in which a folder holds a split."""
    parts = []
    for path in _entries(folder, name):
        if path.name in (name, f"{name}{SUFFIX}") and path.is_dir():
            yield _parts_in(path)
        elif path.name == f"{name}{SUFFIX}":
            yield [path]
        elif (match := _NUMBERED.fullmatch(path.name)) and match["stem"] == name:
            parts.append(path)
    if parts:
        check_complete(parts)
        yield in_row_order(parts)


def _parts_in(folder: Path) -> Sequence[Path]:
    files = in_row_order([path for path in _entries(folder) if path.suffix == SUFFIX])
    if not files:
        raise InputError(f"{folder}: the folder holds no Parquet file")
    check_complete(files)
    return files


def _entries(folder: Path, beginning: str = "") -> list[Path]:
    """What a folder holds, without what is hidden or a program's note to itself (`_SUCCESS`)."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not folder.is_symlink():
            return []
        raise InputError(f"{folder}: is there but cannot be read ({error.strerror or error})") from error
    return [path for path in paths if path.name.startswith(beginning) and not path.name.startswith((".", "_"))]


def _alike(folder: Path, name: str) -> list[Path]:
    """Files whose names say that they may be the split, in a form that is not read."""
    return sorted(path for path in _entries(folder, name) if path.name == name or path.name[len(name)] in ".-")
