"""`panda-ray predict`: label new rows with an exported prompt."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from panda_ray.errors import InputError
from panda_ray.foreign_text import spreadsheet_text

if TYPE_CHECKING:
    from panda_ray.usecases.exporting.predict import Prediction

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `panda-ray export` wrote.")]
Data = Annotated[str, typer.Argument(metavar="DATA", help="Rows with the columns of the task, as in `adapt`.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="A new file, .jsonl or .csv; JSON lines on stdout unless given."),
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="DIR", help="The backbone's folder, if it lies elsewhere now.")
]


def predict(folder: Folder, data: Data, out: Out = None, model: Model = None) -> None:
    """Label new rows with an exported prompt, with probabilities; no label is read of them."""
    from panda_ray.usecases.exporting.predict import Predictor

    if out is not None and out.suffix not in (".jsonl", ".csv"):
        raise InputError(f"--out: {out} must end in .jsonl or .csv")
    found = Predictor(folder, model).of_file(data)
    with _opened(out) as file:
        if out is not None and out.suffix == ".csv":
            _write_csv(file, found)
        else:
            for each in found:
                print(json.dumps(vars(each), ensure_ascii=False), file=file)


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    try:
        file = out.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise InputError(f"--out: {out} is there already; name another file") from None
    with file:
        try:
            yield file
        except BaseException:
            out.unlink()
            raise


def _write_csv(file: TextIO, found: Iterable[Prediction]) -> None:
    """A column per label where there are such; lists as JSON."""
    writer = None
    for each in found:
        line = {"row": each.row, "prediction": _cell(each.prediction), **_columns(each.probability)}
        if writer is None:
            writer = csv.DictWriter(file, list(line), extrasaction="ignore")
            writer.writeheader()
        writer.writerow(line)


def _columns(probability: Any) -> Mapping[str, Any]:
    if isinstance(probability, dict):
        return {f"probability {label}": share for label, share in probability.items()}
    return {} if probability is None else {"probability": _cell(probability)}


def _cell(value: Any) -> Any:
    """Text of other people's that no spreadsheet evaluates."""
    if isinstance(value, str):
        return spreadsheet_text(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
