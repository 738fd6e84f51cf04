"""What a user's own rows are for, as far as their columns and what was said of them tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks.kinds.own.incomplete_rows import incomplete_rows
from panda_ray.tasks.kinds.own.own_columns import KindName
from panda_ray.tasks.kinds.own.own_guess import Guess, Said, guess
from panda_ray.tasks.kinds.own.own_texts import in_words
from panda_ray.tasks.own import OWN_KINDS
from panda_ray.tasks.rows.own.own_files import column_names, own_files, read_columns
from panda_ray.tasks.rows.table import sample_numbers
from panda_ray.usecases.starting.named_rows import NamedRows, Say, named_rows

_LOOKED_AT = 20_000
"""Rows that a guess looks at: a seeded sample, because a Python object for each cell of a GB of text takes 20 GB."""


@dataclass(frozen=True)
class Described:
    """A file of rows as a task.

    Attributes:
        name: of task and sweep.
        data, dev: where its rows are, as a sweep file says it; no `dev` where it is to be a part of `data`.
        rows: of the file, or of all files of the folder.
        looked_at: of these, as many as the guess was made from.
        incomplete: of those, without a label or a text.
        of_splits: where its splits are, a line each.
    """

    name: str
    data: str
    rows: int
    looked_at: int
    guess: Guess
    incomplete: int
    dev: str | None = None
    of_splits: tuple[str, ...] = ()

    @property
    def size(self) -> str:
        """The number of rows, and how many of them the guess knows, in words."""
        all_of_them = self.looked_at == self.rows
        return f"{self.rows:,} rows" + ("" if all_of_them else f", of which {self.looked_at:,} were looked at")

    @property
    def lines(self) -> list[str]:
        """What was inferred, a line per key."""
        made = self.guess
        lines = [*self.of_splits, f"{self.size}: {made.kind} ({made.why['kind']})"]
        for key, value in (
            ("text", made.text),
            ("pair", made.pair),
            ("choices", made.choices),
            ("label", (made.label,)),
        ):
            if value:
                lines.append(f"  --{key} {', '.join(value)} ({made.why[key]})")
        if made.left_out:
            lines.append(f"  {in_words(made.left_out)}")
        if self.incomplete:
            of = f"{self.incomplete:,} of the {self.looked_at:,} rows that were looked at"
            lines.append(f"  {of} lack a label or a text: remove them or fill them in, no sweep takes them")
        return lines


def said(text: Sequence[str], pair: Sequence[str], label: str | None, asked: str | None) -> Said:
    """What a person said of the columns, and of what is asked of a row.

    Raises:
        InputError: no rows of one's own are of such a kind.
    """
    if asked is not None and asked not in OWN_KINDS:
        raise unknown_name("kind", asked, list(OWN_KINDS))
    return Said(cast("KindName | None", asked), tuple(text), tuple(pair), label)


def describe(data: str | NamedRows, said: Said, say: Say = lambda _: None) -> Described:
    """Infer what the rows of a file, a folder of files or a data set of the Hub are for.

    Args:
        data: as a person named them, or where they were found.
        say: hears what will be fetched, before it is.

    Raises:
        InputError: they cannot be read, a column that was said is not there, or nothing can be a label or a text.
    """
    found = data if isinstance(data, NamedRows) else named_rows(data, say)
    data = found.data
    files, _ = own_files(data), own_files(found.dev)
    names = column_names(files[0])
    tables = [read_columns(file, names) for file in files]
    rows = sum(table.num_rows for table in tables)
    if not rows:
        raise InputError(f"{data}: there are no rows")
    looked_at = _sample(tables, rows)
    try:
        columns = {name: [cell for table in looked_at for cell in table.column(name).to_pylist()] for name in names}
        made = guess(columns, said)
    except InputError as error:
        raise InputError(f"{data}: {error}") from error
    seen = sum(table.num_rows for table in looked_at)
    return Described(found.name, data, rows, seen, made, incomplete_rows(columns, made), found.dev, found.lines)


def _sample(tables: Sequence[pa.Table], rows: int) -> list[pa.Table]:
    """A seeded sample of the rows of all tables, in their order."""
    numbers, first, parts = np.array(sample_numbers(rows, _LOOKED_AT)), 0, []
    for table in tables:
        inside = numbers[(numbers >= first) & (numbers < first + table.num_rows)]
        parts.append(table.take(inside - first))
        first += table.num_rows
    return parts
