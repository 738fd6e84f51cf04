"""The grid table as Markdown and as LaTeX (booktabs), and how numbers are written everywhere in a report."""

from __future__ import annotations

from collections.abc import Sequence

from panda_ray.foreign_text import markdown_text, one_line
from panda_ray.reports.numbers.frame import Aggregate
from panda_ray.reports.numbers.statistics import Interval
from panda_ray.reports.numbers.tables import GridTable, Row

ABSENT = "–"
"""What stands where nothing was computed."""

MINUS = "−"

SINGLE = ("baseline", "alone", "source", "sources")
"""Rows that are one training each, not a choice among several."""


def signed(value: float | None) -> str:
    """A difference with its sign: `+1.2`, `−0.3`, or the sign of absence."""
    if value is None:
        return ABSENT
    text = f"{abs(value):.1f}"
    if text == "0.0":
        return text
    return f"{'+' if value > 0 else MINUS}{text}"


def number(value: float, digits: int) -> str:
    """A number with a typographic minus."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def mean_std(cell: Aggregate | None) -> str:
    """`74.2 ± 0.8`, without the deviation for a single seed; `†` marks a cell that lacks seeds."""
    if cell is None:
        return ABSENT
    std = f" ± {cell.std:.1f}" if cell.std is not None else ""
    return f"{number(cell.mean, 1)}{std}{'†' if cell.n < cell.expected else ''}"


def interval_text(interval: Interval | None) -> str:
    """`[+0.4, +2.0]`."""
    return f"[{signed(interval.low)}, {signed(interval.high)}]" if interval else ABSENT


def best_means(rows: Sequence[Row]) -> list[str | None]:
    """Per column, the highest printed mean among single transfers and the baseline; it is set in bold."""
    single = [row for row in rows if row.shows in SINGLE]
    columns = zip(*(row.cells for row in single), strict=True)
    means = [[cell.mean for cell in column if cell is not None] for column in columns]
    return [number(max(values), 1) if values else None for values in means]


def is_best(row: Row, column: int, best: Sequence[str | None]) -> bool:
    """Whether a cell is set in bold."""
    cell = row.cells[column]
    return row.shows in SINGLE and cell is not None and number(cell.mean, 1) == best[column]


def table_notes(table: GridTable) -> list[str]:
    """What a reader must know about the table's numbers, in sentences."""
    cells = [cell for row in table.rows for cell in row.cells if cell is not None]
    seeds = sorted({cell.n for cell in cells})
    notes = [
        f"Scores in percent; mean ± standard deviation over seeds (n = {', '.join(map(str, seeds)) or 0}).",
        "Δ: difference of the averages to prompt tuning over the seeds that both have, in points, with its 95 % paired "
        "bootstrap interval over dev items; Δ PoT: difference to the PoT row of the same sources.",
        "Oracle: the best source per target; top-3: the best of the three sources that a metric ranks first; both "
        "without the target itself. They choose on the set that is reported, so they are optimistic.",
    ]
    if table.rows_of("top3") and not table.rows_of("oracle"):
        notes.append("Only the sources that a metric ranks highest were trained, and the best of them is chosen.")
    if table.rows_of("sources"):
        notes.append("a+b: one training from several sources.")
    if any(cell.n < cell.expected for cell in cells):
        notes.append("† Some seeds are missing.")
    if any(cell is None for row in table.rows for cell in row.cells):
        notes.append(f"{ABSENT} Not computed; a row's average needs all of its cells.")
    return notes


def markdown(table: GridTable) -> str:
    """The table with a title, one line per row and its notes."""
    targets = map(markdown_text, table.targets)
    header = ["method", "sources", *targets, "average", "Δ", "95 % interval", "Δ PoT"]
    lines = [
        f"**{markdown_text(table.backbone)}**",
        "",
        _line(header),
        _line(["---"] * 2 + ["---:"] * (len(header) - 2)),
    ]
    best = best_means(table.rows)
    for row in table.rows:
        names = [markdown_text(name) for name in (row.method, row.title)]
        lines.append(_line([*names, *_numbers(row, best, "**{}**")]))
    notes = "\n".join(f"- {note}" for note in table_notes(table))
    return "\n".join(lines) + f"\n\n{notes}\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _numbers(row: Row, best: Sequence[str | None], bold: str) -> list[str]:
    """Everything right of a row's names."""
    cells = [
        bold.format(mean_std(cell)) if is_best(row, column, best) else mean_std(cell)
        for column, cell in enumerate(row.cells)
    ]
    return [*cells, mean_std(row.average), signed(row.gain), interval_text(row.interval), signed(row.gain_over_pot)]


def latex(table: GridTable) -> str:
    """A `tabular` for booktabs; methods are separated by rules and named once."""
    targets = [latex_text(target) for target in table.targets]
    header = ["Method", "Sources", *targets, "Average", r"$\Delta$", r"95\,\% interval", r"$\Delta$ PoT"]
    lines = [
        *(f"% {note}" for note in table_notes(table)),
        rf"\begin{{tabular}}{{ll{'r' * (len(targets) + 4)}}}",
        r"\toprule",
        _latex_line(header),
    ]
    best = best_means(table.rows)
    method = None
    for row in table.rows:
        names = ["" if row.method == method else latex_text(row.method), latex_text(row.title)]
        if row.method != method:
            lines.append(r"\midrule")
        lines.append(_latex_line([*names, *map(typeset, _numbers(row, best, r"\textbf{{{}}}"))]))
        method = row.method
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


_SPECIAL = str.maketrans(
    {character: rf"\{character}" for character in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)
_SIGNS = str.maketrans(
    {"±": r"$\pm$", MINUS: "$-$", ABSENT: "--", "†": r"$^\dagger$", "‡": r"$^\ddagger$", "Δ": r"$\Delta$"}
)


def latex_text(text: str) -> str:
    """A name that a user chose, as LaTeX text."""
    return one_line(text).translate(_SPECIAL)


def typeset(text: str) -> str:
    """A number as reports write it, in LaTeX's signs."""
    return text.translate(_SIGNS)
