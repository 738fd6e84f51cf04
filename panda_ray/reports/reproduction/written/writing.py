"""A table as Markdown, as LaTeX (booktabs) and as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from panda_ray.foreign_text import markdown_text, spreadsheet_text
from panda_ray.reports.formatting import ABSENT, MINUS, latex_text, typeset
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title as shown
from panda_ray.reports.reproduction.value import Value, rounded

_ERRATUM = "‡"


def markdown(title: str, table: Table) -> str:
    """The table with its title, one line per row, and its notes."""
    lines = [
        f"**{markdown_text(title)}**",
        "",
        _row([*table.name_columns, *map(_markdown_name, table.columns)]),
        _row(["---" if side == "l" else "---:" for side in _sides(table)]),
        *(_row([*map(_markdown_name, line.names), *map(_text, line.entries)]) for line in table.lines),
    ]
    notes = "\n".join(f"- {note}" for note in notes_of(table))
    return "\n".join(lines) + (f"\n\n{notes}\n" if notes else "\n")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_name(name: str) -> str:
    return markdown_text(shown(name))


def _sides(table: Table) -> list[str]:
    """Where each column's text stands: words left, numbers right."""
    columns = zip(*(line.entries for line in table.lines), strict=True)
    are_words = [any(isinstance(entry, str) and entry[:1].isalpha() for entry in column) for column in columns]
    return ["l"] * len(table.name_columns) + ["l" if words else "r" for words in are_words]


_ARTEFACT = re.compile(r"^(Table|Figures?) [^:]*: ")
"""The number that the paper gives it, which is another where it is cited from."""


def without_number(title: str) -> str:
    """What a table or figure shows, without the paper's number of it."""
    return _ARTEFACT.sub("", title)


def latex(title: str, table: Table) -> str:
    """A float with caption, label and notes, no wider and higher than a page (needs booktabs and adjustbox); a rule
    stands where the first name changes, which is written once."""
    caption, label = without_number(title), re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    lines = [
        "% needs the packages booktabs and adjustbox",
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{_latex_words(caption[:1].upper() + caption[1:])}}}",
        rf"\label{{tab:{label}}}",
        r"\begin{adjustbox}{max width=\textwidth, max totalheight=0.8\textheight}",
        rf"\begin{{tabular}}{{{_latex_columns(table)}}}",
        r"\toprule",
        _latex_row([latex_text(name) for name in (*table.name_columns, *map(shown, table.columns))]),
    ]
    group = None
    for line in table.lines:
        first, *others = line.names
        if first != group:
            lines.append(r"\midrule")
        names_shown = ["" if first == group else first, *others]
        cells = [_latex_entry(entry) for entry in line.entries]
        lines.append(_latex_row([*(latex_text(shown(name)) for name in names_shown), *cells]))
        group = first
    notes = [rf"\par\smallskip\footnotesize {_latex_words(' '.join(notes_of(table)))}"] if notes_of(table) else []
    ends = [rf"\end{{{each}}}" for each in ("tabular", "adjustbox")]
    return "\n".join([*lines, r"\bottomrule", *ends, *notes, r"\end{table*}", ""])


_LONG = 60
"""Characters from which a name is set in several lines."""


def _latex_columns(table: Table) -> str:
    names = zip(*(line.names for line in table.lines), strict=True)
    are_long = [any(len(name) > _LONG for name in column) for column in names]
    return "".join([r"p{0.5\textwidth}" if long else "l" for long in are_long] + _sides(table)[len(are_long) :])


def _latex_words(text: str) -> str:
    return typeset(latex_text(text))


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _latex_entry(entry: Entry | str) -> str:
    return _latex_words(entry) if isinstance(entry, str) else typeset(_entry_text(entry, r"\textsubscript{{{}}}"))


def csv_text(table: Table) -> str:
    """One line per row. Beside a column stand what its numbers have: deviation and n, gain, the paper's, difference."""
    extras = [_extras(table, column) for column in range(len(table.columns))]
    header = [*table.name_columns]
    for name, extra in zip(table.columns, extras, strict=True):
        header += [name, *(f"{name} {each}" for each in extra)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for line in table.lines:
        writer.writerow([*map(spreadsheet_text, line.names), *_csv_cells(line, extras)])
    return out.getvalue()


_EXTRAS = ("std", "n", "gain", "paper", "paper gain", "difference")


def _extras(table: Table, column: int) -> list[str]:
    known = [_csv_entry(entry) for line in table.lines if isinstance(entry := line.entries[column], Entry)]
    shown = [name for name in _EXTRAS if any(entry[name] for entry in known)]
    return [name for name in shown if name != "n" or any(entry["n"] != "1" for entry in known if entry["n"])]


def _csv_cells(line: Line, extras: Sequence[Sequence[str]]) -> Iterator[str]:
    for entry, extra in zip(line.entries, extras, strict=True):
        if isinstance(entry, str):
            yield from (spreadsheet_text(entry), *("" for _ in extra))
        else:
            said = _csv_entry(entry)
            yield from (said["mean"], *(said[name] for name in extra))


def _csv_entry(entry: Entry) -> dict[str, str]:
    value, paper, digits = entry.value, entry.paper, entry.digits
    apart = difference_to_paper(entry)
    return {
        "mean": _plain(value, digits),
        "std": "" if value is None or value.std is None else rounded(value.std, digits),
        "n": "" if value is None else str(value.n),
        "gain": _plain(entry.gain, digits),
        "paper": _plain(paper.value, digits) if paper else "",
        "paper gain": _plain(paper.gain, digits) if paper else "",
        "difference": "" if apart is None else rounded(apart, digits),
    }


def _plain(value: Value | None, digits: int) -> str:
    return "" if value is None else rounded(value.mean, digits)


def notes_of(table: Table) -> list[str]:
    """What a reader must know about the table, and what is odd about its printed numbers."""
    shown = table.entries
    notes = list(table.notes)
    if any(entry.paper for entry in shown):
        notes.append("In brackets: what the paper prints, and the difference of ours to it.")
    if any(entry.value and entry.value.n > 1 for entry in shown):
        notes.append("Mean ± standard deviation over seeds.")
    if any(entry.value and entry.value.n < entry.value.expected for entry in shown):
        notes.append("† Some seeds are missing.")
    if any(entry.value is None for entry in shown):
        notes.append(f"{ABSENT} Not computed; an average needs all of its cells.")
    return [*notes, *(f"{_ERRATUM} {note}." for note in errata_of(table))]


def errata_of(table: Table) -> list[str]:
    """What is odd about printed numbers, with the rows and columns that each note is about."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in table.lines:
        for column, entry in zip(table.columns, line.entries, strict=True):
            for note in _errata(entry):
                row = " ".join(filter(None, map(shown, line.names)))
                found.setdefault(note, {}).setdefault(row, []).append(shown(column))
    return [
        f"{'; '.join(f'{row}: {_columns(columns, table)}' for row, columns in rows.items())}: {note}"
        for note, rows in found.items()
    ]


def _columns(columns: Sequence[str], table: Table) -> str:
    return "the row" if len(columns) >= len(table.columns) - 2 > 1 else ", ".join(columns)


def _errata(entry: Entry | str) -> list[str]:
    if isinstance(entry, str):
        return []
    values = [entry.value, entry.gain, *((entry.paper.value, entry.paper.gain) if entry.paper else ())]
    return [value.erratum for value in values if value is not None and value.erratum]


def difference_to_paper(entry: Entry) -> float | None:
    """Of our mean to the printed number; None where one of them is missing."""
    theirs = entry.paper.value if entry.paper else None
    return None if entry.value is None or theirs is None else entry.value.mean - theirs.mean


def _text(entry: Entry | str) -> str:
    return markdown_text(entry) if isinstance(entry, str) else _entry_text(entry, " ({})")


def _entry_text(entry: Entry, gain: str) -> str:
    """`78.9 ± 0.4 (+1.3) [79.4, Δ −0.5]`."""
    text = _value_text(entry, gain)
    apart = difference_to_paper(entry)
    if entry.paper is None:
        return text
    beside = "" if apart is None else f", Δ {_signed(apart, entry.digits)}"
    return f"{text} [{_value_text(entry.paper, gain)}{beside}]"


def _value_text(entry: Entry, gain: str) -> str:
    value = entry.value
    if value is None:
        return ABSENT
    text = rounded(value.mean, entry.digits).replace("-", MINUS)
    if value.std is not None:
        text += f" ± {rounded(value.std, entry.digits)}"
    text += ("†" if value.n < value.expected else "") + (_ERRATUM if value.erratum else "")
    if entry.gain is None:
        return text
    return text + gain.format(_signed(entry.gain.mean, entry.digits)) + (_ERRATUM if entry.gain.erratum else "")


def _signed(number: float, digits: int) -> str:
    text = rounded(number, digits)
    return text.replace("-", MINUS) if text.startswith("-") or not float(text) else f"+{text}"
