"""What was found: a verdict, the best source of each target as a small table, and everything else in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from panda_ray.cli.console import print_sentence, stdout

if TYPE_CHECKING:
    from panda_ray.reports.written_report import BestRow, Report

MOST_ROWS = 20
"""More would hide the findings above them."""


def print_findings(report: Report) -> None:
    """A verdict, the table and the other sentences, on stdout."""
    for line in report.verdict:
        print_sentence(line)
    if report.best:
        stdout.print(best_table(report.best))
    for line in report.findings:
        print_sentence(line)


def best_table(rows: Sequence[BestRow]) -> RenderableType:
    """A row per target; of large studies where to find them."""
    if len(rows) > MOST_ROWS:
        return Text(f"The best source of each target, {len(rows)} rows: panda-ray best, and the report.")
    several = len({row.backbone for row in rows}) > 1
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in (*(["backbone"] if several else []), "target", "best source", "method"):
        table.add_column(column, overflow="fold")
    for column in ("gain", "95 % interval", "lead over the next"):
        table.add_column(column, justify="right", no_wrap=column == "gain")
    for row in rows:
        table.add_row(*map(Text, row if several else row[1:]))
    return table
