"""A sweep file for a user's own rows, with what was inferred of them, and why, beside each key."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from panda_ray.backbones.registry import BACKBONES, backbone_sizes, get_backbone_spec
from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.sweep.hyperparameters import TaskSection
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks import TASKS
from panda_ray.tasks.kinds.own.own_guess import Guess, Said, guess
from panda_ray.tasks.kinds.own.own_texts import in_words
from panda_ray.tasks.rows.own.own_files import column_names, own_files, read_columns
from panda_ray.tasks.rows.table import sample_numbers

_BUILTIN = "builtin-tiny"
_LEARNED = {"lr": 0.06, "batch_size": 8, "epochs": 4}
"""Of the targets of the built-in suite, which that backbone learns best with."""
_LOOKED_AT = 20_000
"""Rows that a guess looks at: a seeded sample, because a Python object for each cell of a GB of text takes 20 GB."""
_HUB_SOURCES = ["mnli", "qnli", "sst2", "squad"]


@dataclass(frozen=True)
class Described:
    """A file of rows as a task.

    Attributes:
        name: of task and sweep.
        rows: of the file, or of all files of the folder.
        looked_at: of these, as many as the guess was made from.
    """

    name: str
    data: str
    rows: int
    looked_at: int
    guess: Guess

    @property
    def size(self) -> str:
        """The number of rows, and how many of them the guess knows, in words."""
        all_of_them = self.looked_at == self.rows
        return f"{self.rows:,} rows" + ("" if all_of_them else f", of which {self.looked_at:,} were looked at")


def describe(data: str, said: Said) -> Described:
    """Infer what the rows of a file, or of a folder of files, are for.

    Raises:
        InputError: they cannot be read, a column that was said is not there, or nothing can be a label or a text.
    """
    files = own_files(data)
    names = column_names(files[0])
    tables = [read_columns(file, names) for file in files]
    rows = sum(table.num_rows for table in tables)
    if not rows:
        raise InputError(f"{data}: there are no rows")
    looked_at = _sample(tables, rows)
    try:
        columns = {name: [cell for table in looked_at for cell in table.column(name).to_pylist()] for name in names}
        found = guess(columns, said)
    except InputError as error:
        raise InputError(f"{data}: {error}") from error
    return Described(_name(data), data, rows, sum(table.num_rows for table in looked_at), found)


def _sample(tables: Sequence[pa.Table], rows: int) -> list[pa.Table]:
    """A seeded sample of the rows of all tables, in their order."""
    numbers, first, parts = np.array(sample_numbers(rows, _LOOKED_AT)), 0, []
    for table in tables:
        inside = numbers[(numbers >= first) & (numbers < first + table.num_rows)]
        parts.append(table.take(inside - first))
        first += table.num_rows
    return parts


def sweep_text(found: Described, backbone: str = _BUILTIN, storage: str | None = None) -> str:
    """The sweep file: prompt tuning, and PoT and PanDa from the sources that a metric ranks highest.

    Args:
        backbone: its name, or the folder of a model.
        storage: `runs/NAME` unless given.

    Raises:
        InputError: there is no backbone of that name, and no such folder; or it holds no model.
    """
    head = _head(found, storage or f"runs/{found.name}")
    return "\n".join([*head, *_study(found, backbone), *_tasks(found, backbone)]) + "\n"


def builtin_shelf(changes: Sequence[str] = ()) -> Sweep:
    """The sweep that has the prompts which come with the package as its sources."""
    return load_sweep("quickstart", ["prompts=builtin", *changes])


def with_own_task(sweep: Sweep, found: Described) -> Sweep:
    """A sweep that knows the task of the rows, and what else it does is left alone.

    Raises:
        InputError: one of its tasks has that name.
    """
    if found.name in sweep.tasks:
        raise InputError(f"sweep {sweep.name!r} has a task {found.name!r}; rename {found.data}")
    made = found.guess
    section = TaskSection(
        data=found.data,
        kind=made.kind,
        text=list(made.text),
        pair=list(made.pair) or None,
        choices=list(made.choices) or None,
        label=made.label,
    )
    return sweep.model_copy(update={"tasks": {**sweep.tasks, found.name: section}})


def _head(found: Described, storage: str) -> list[str]:
    return [
        f"# Written by `panda-ray init` for {json.dumps(found.data)} ({found.size}).",
        "# Comments say what values were inferred from: change what is wrong, then `panda-ray run` this file.",
        f"name: {found.name}",
        f"storage: {json.dumps(storage)}",
        "",
    ]


def _study(found: Described, backbone: str) -> list[str]:
    chosen = "sources: {top: 3, by: logme}"
    only_a_try = "knows an invented language only: for a try" if backbone == _BUILTIN else ""
    lines = [
        f"backbones: [{_section(backbone)}]" + _comment(only_a_try),
        f"sources: {'builtin' if backbone == _BUILTIN else json.dumps(_HUB_SOURCES)}"
        + _comment("" if backbone == _BUILTIN else "rows of the Hub; or `data_root: DIR` with a folder of each task"),
        f"targets: [{found.name}]",
        "methods:",
        "  - prompt_tuning" + _comment("what transfer is compared with"),
        f"  - {{method: pot, {chosen}}}" + _comment("the three sources that the metric ranks highest"),
        f"  - {{method: panda, {chosen}}}",
        "seeds: [11, 12, 13]" + _comment("intervals need several"),
    ]
    if backbone == _BUILTIN:
        training = load_sweep("quickstart").training.model_dump(exclude_unset=True)
        lines += [
            "prompts: builtin" + _comment("the sources' prompts come with the package and are not trained"),
            f"training: {_flow(training)}" + _comment("those prompts were trained so; max_len cuts longer texts"),
        ]
    return [*lines, ""]


def _section(backbone: str) -> str:
    """A backbone as the list of a sweep file has it."""
    folder = Path(backbone).expanduser()
    if backbone in BACKBONES or not folder.is_dir():
        return get_backbone_spec(backbone).name
    folder = folder.resolve()
    backbone_sizes(folder.name, str(folder))
    return _flow({"name": re.sub(r"[^A-Za-z0-9._-]+", "_", folder.name), "path": str(folder)})


def _tasks(found: Described, backbone: str) -> list[str]:
    made, why = found.guess, found.guess.why
    values: dict[str, Any] = {"data": found.data, "kind": made.kind, "text": list(made.text)}
    values |= {key: list(columns) for key, columns in (("pair", made.pair), ("choices", made.choices)) if columns}
    values["label"] = made.label
    lines = ["tasks:", f"  {found.name}:"]
    if made.left_out:
        lines.append(f"    # {in_words(made.left_out)}")
    for key, value in values.items():
        flow = json.dumps(value, ensure_ascii=False)
        lines.append(f"    {key}: {flow}" + _comment(why.get(key, "")))
    lines.append("    dev_share: 0.2" + _comment("of the rows to evaluate on; or `dev: FILE`"))
    if backbone == _BUILTIN:
        lines += [f"    {key}: {value}" for key, value in _LEARNED.items()]
        quickstart = load_sweep("quickstart")
        limits = {name: quickstart.tasks[name].model_dump(exclude_unset=True) for name in quickstart.single_sources}
        lines += [f"  {name}: {_flow(limit)}" for name, limit in limits.items()]
    return lines


def _flow(values: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in values.items()) + "}"


def _comment(text: str) -> str:
    return f"  # {text}" if text else ""


def _name(data: str) -> str:
    """Of a file, as a task may be called."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(data).stem).lstrip("._-") or "mine"
    return f"my_{plain}" if plain in {task.name for task in TASKS} else plain
