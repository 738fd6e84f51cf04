"""`panda-ray init`: a sweep file for a file of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda_ray.cli.console import stderr
from panda_ray.errors import InputError

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, JSON lines, Parquet or CoNLL, a folder of such files, or a data set of the Hugging Face Hub, "
        "OWNER/NAME[:CONFIGURATION][#SPLIT].",
    ),
]
Text = Annotated[
    list[str],
    typer.Option(
        "--text",
        metavar="COLUMN",
        help="Column of the text; may be repeated.",
        default_factory=list,
        show_default=False,
    ),
]
Pair = Annotated[
    list[str],
    typer.Option(
        "--pair",
        metavar="COLUMN",
        help="Of the second text, or of the context.",
        default_factory=list,
        show_default=False,
    ),
]
Label = Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="Column of the label.")]
Asked = Annotated[
    str | None,
    typer.Option("--kind", help="What is asked of a row (docs/data.md); inferred unless given."),
]
BackboneOption = Annotated[
    str, typer.Option("--backbone", help="A name that `panda-ray backbones` lists, or a model's folder.")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="A new file; named after the data unless given.")
]


def init(
    data: Data,
    text: Text,
    pair: Pair,
    label: Label = None,
    asked: Asked = None,
    backbone: BackboneOption = "builtin-tiny",
    out: Out = None,
) -> None:
    """Write a commented sweep file for your own rows, and say what was inferred of them."""
    from panda_ray.usecases.starting.describe import describe, said
    from panda_ray.usecases.starting.init import sweep_text

    found = describe(data, said(text, pair, label, asked), stderr.print)
    file = out or Path(f"{found.name}.yaml")
    written(file, sweep_text(found, backbone))
    for line in found.lines:
        typer.echo(line)
    typer.echo(f"{file} says so, and how to change it; next: panda-ray run {file}")


def written(file: Path, text: str) -> None:
    """Write a new file.

    Raises:
        InputError: it is there already.
    """
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise InputError(f"{file} is there already; name another file with --out") from None
