"""A table as data: named rows of entries, as the paper sets them, whatever it is written as afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from panda_ray.reports.reproduction.value import Value, difference


@dataclass(frozen=True)
class Entry:
    """One number of a table.

    Attributes:
        value: None where it was not computed, or the paper has none.
        digits: behind the point.
        gain: what stands beside it as a subscript.
        paper: the printed entry in the same place, where both are shown.
    """

    value: Value | None
    digits: int = 1
    gain: Value | None = None
    paper: Entry | None = None


@dataclass(frozen=True)
class Line:
    """One row: what it is called, and its entries; a text is one that is no number."""

    names: tuple[str, ...]
    entries: tuple[Entry | str, ...]


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes:
        name_columns: what the rows' names are; rows are grouped by the first.
        notes: what a reader must know.
        groups: of the tasks that rows and columns are, where a map is sorted by them.
    """

    name_columns: tuple[str, ...]
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def entries(self) -> list[Entry]:
        """Every number, row by row."""
        return [entry for line in self.lines for entry in line.entries if isinstance(entry, Entry)]

    @property
    def is_blank(self) -> bool:
        """Whether it has no rows, or is made for numbers and has none, neither ours nor the paper's."""
        shown = self.entries
        known = any(entry.value or (entry.paper and entry.paper.value) for entry in shown)
        return not self.lines or (bool(shown) and not known)


def scored(
    names: Sequence[str], cells: Sequence[Value | None], mean: Value | None, over: Value | None = None, fell: str = ""
) -> Line:
    """A row of scores, its average with the gain over another row's, and how many of its cells collapsed."""
    return Line(tuple(names), (*map(Entry, cells), Entry(mean, gain=difference(mean, over)), fell))


def marked(value: Value | None, erratum: str) -> Value | None:
    """The value with what is odd about the printed number."""
    return value if value is None or not erratum else replace(value, erratum=erratum)


def beside(ours: Table, papers: Table) -> Table:
    """Our table with the paper's numbers in each entry; both are of one layout."""
    lines = tuple(
        replace(line, entries=tuple(map(_with_paper, line.entries, theirs.entries)))
        for line, theirs in zip(ours.lines, papers.lines, strict=True)
    )
    return replace(ours, lines=lines)


def _with_paper(entry: Entry | str, theirs: Entry | str) -> Entry | str:
    if isinstance(entry, Entry) and isinstance(theirs, Entry):
        return replace(entry, paper=theirs) if theirs.value else entry
    return f"{entry} [{theirs}]" if theirs and theirs != entry else entry
