"""`panda-ray paper`: the paper's tables by their names."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

Wanted = Annotated[str, typer.Argument(metavar="ARTEFACT", help="`table1` to `table16`, or `all`.")]


class Form(StrEnum):
    """What a table is written as."""

    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"


As = Annotated[Form, typer.Option("--as", help="What a table is written as.")]


def paper(wanted: Wanted, form: As = Form.MARKDOWN) -> None:
    """Show a table of the PanDa paper in its layout."""
    from panda_ray.reports.reproduction.all_artefacts import ARTEFACTS, get_artefact
    from panda_ray.reports.reproduction.writing import csv_text, latex, markdown
    from panda_ray.usecases.reproducing.printed_tables import printed_table

    artefacts = list(ARTEFACTS.values()) if wanted == "all" else [get_artefact(wanted)]
    texts = []
    for artefact in artefacts:
        table = printed_table(artefact)
        if form is Form.CSV:
            texts.append(csv_text(table))
        else:
            write = latex if form is Form.LATEX else markdown
            texts.append(write(artefact.title, table))
    sys.stdout.write("\n".join(texts))
