"""`panda-ray init`: a sweep file for a file of rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.tasks.kinds.own.own_columns import KindName
    from panda_ray.tasks.kinds.own.own_guess import Said
    from panda_ray.usecases.starting.init import Described

Data = Annotated[
    str, typer.Argument(metavar="DATA", help="CSV, TSV, JSON lines, Parquet or CoNLL, or a folder of such files.")
]
Text = Annotated[
    list[str],
    typer.Option("--text", metavar="COLUMN", help="Column of the text; may be repeated.", default_factory=list),
]
Pair = Annotated[
    list[str],
    typer.Option("--pair", metavar="COLUMN", help="Of the second text, or of the context.", default_factory=list),
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
    from panda_ray.usecases.starting.init import describe, sweep_text

    found = describe(data, said(text, pair, label, asked))
    file = out or Path(f"{found.name}.yaml")
    written(file, sweep_text(found, backbone))
    for line in inferred(found):
        typer.echo(line)
    typer.echo(f"{file} says so, and how to change it; next: panda-ray run {file}")


def said(text: list[str], pair: list[str], label: str | None, asked: str | None) -> Said:
    """What was said on the command line.

    Raises:
        InputError: no rows of one's own are of such a kind.
    """
    from panda_ray.errors import unknown_name
    from panda_ray.tasks.kinds.own.own_guess import Said
    from panda_ray.tasks.own import OWN_KINDS

    if asked is not None and asked not in OWN_KINDS:
        raise unknown_name("kind", asked, list(OWN_KINDS))
    return Said(cast("KindName | None", asked), tuple(text), tuple(pair), label)


def inferred(found: Described) -> list[str]:
    """What was inferred, a line per key."""
    from panda_ray.tasks.kinds.own.own_texts import in_words

    made = found.guess
    lines = [f"{found.size}: {made.kind} ({made.why['kind']})"]
    for key, value in (("text", made.text), ("pair", made.pair), ("choices", made.choices), ("label", (made.label,))):
        if value:
            lines.append(f"  --{key} {', '.join(value)} ({made.why[key]})")
    return [*lines, *([f"  {in_words(made.left_out)}"] if made.left_out else [])]


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
