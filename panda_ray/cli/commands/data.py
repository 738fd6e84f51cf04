"""`panda-ray data check | convert`: look at every row before training, and bring licensed sets into shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.console import stdout
from panda_ray.cli.options import Overrides
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.tasks.check import SplitReport
    from panda_ray.usecases.data import Check, Checked, Verdict

EXIT_PROBLEMS = 1
_LABELS_SHOWN = 8
_SPELT = (
    "bert-base is not in the local cache, so builtin-tiny counts the tokens; it spells English words letter by letter. "
    "Name a backbone or a model folder for real lengths: --backbone DIR"
)
_STYLES: Mapping[Verdict, str] = {"in order": "none", "absent": "yellow", "with problems": "red"}

app = typer.Typer(name="data", help="Check and convert data sets.", no_args_is_help=True)

Tasks = Annotated[
    list[str],
    typer.Argument(
        metavar="[TASK]...", help="Tasks to check; all unless given.", default_factory=list, show_default=False
    ),
]
DataRoot = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Folder with the Parquet files of each task in <task>/, instead of the Hub."),
]
BackboneOption = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        metavar="NAME|DIR",
        help="Whose tokenizer counts the tokens: a name or a model folder. Unless given: builtin-tiny for the built-in "
        "suite, and for other tasks bert-base if it is in the local cache.",
    ),
]
MaxLen = Annotated[
    int | None, typer.Option(min=8, help="Tokens above which a row counts as truncated; 128 unless given.")
]
OfSweep = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        metavar="SWEEP",
        help="Check the tasks of this sweep, those of your own files included, as its first backbone reads them.",
    ),
]
Layout = Annotated[str, typer.Option(help="conll03, conll05, conll12 or ontonotes.")]
Language = Annotated[str, typer.Option(help="english, chinese or arabic: which files of a release tree are read.")]


@app.command()
def check(
    tasks: Tasks,
    overrides: Overrides,
    sweep: OfSweep = None,
    data_root: DataRoot = None,
    backbone: BackboneOption = None,
    max_len: MaxLen = None,
) -> None:
    """Verify rows, labels, lengths and fingerprint of each task; exit status 1 if anything is wrong with one."""
    from panda_ray.usecases.data import check_data

    if sweep is None:
        if overrides:
            raise InputError("--set changes a sweep: name it with --sweep SWEEP")
        checked = check_data(tasks, data_root, backbone, max_len)
    else:
        checked = _of_sweep(sweep, overrides, tasks, {"data-root": data_root, "backbone": backbone, "max-len": max_len})
    if checked.spells:
        stdout.print(_SPELT, style="yellow")
    verdicts = [_print(found) for found in checked.tasks]
    stdout.print(", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in _STYLES))
    if "with problems" in verdicts or (tasks and "absent" in verdicts):
        raise typer.Exit(EXIT_PROBLEMS)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A column file, or a folder with *gold_conll files.")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="For example DIR/conll05/train.parquet.")],
    layout: Layout,
    language: Language = "english",
) -> None:
    """Convert one split of a licensed set from the CoNLL column formats to Parquet."""
    from panda_ray.tasks.conversion.conll import convert_conll

    done = convert_conll(source, output, layout, language)
    left_out = ", ".join(f"{count} {reason}" for reason, count in done.left_out.items())
    said = f"; left out: {left_out}" if left_out else ""
    files = "1 file" if done.files == 1 else f"{done.files} files"
    stdout.print(f"{done.rows} rows from {files} in {output}{said}", markup=False, soft_wrap=True)


def _of_sweep(sweep: str, overrides: list[str], tasks: list[str], given: Mapping[str, object]) -> Check:
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.data import check_sweep_data

    for option, value in given.items():
        if value is not None:
            raise InputError(f"--{option} is what the sweep says; change it there, or with --set")
    return check_sweep_data(load_sweep(sweep, overrides), tasks)


def _print(found: Checked) -> Verdict:
    """Print what was found about one task."""
    for problem in found.problems:
        said = f"absent: {problem}" if found.verdict == "absent" else problem
        stdout.print(f"{found.task}: {said}", style=_STYLES[found.verdict], markup=False, soft_wrap=True)
    if found.fingerprint is not None:
        stdout.print(f"{found.task}: fingerprint {found.fingerprint}", markup=False)
    for name, split in found.splits:
        stdout.print(f"  {name:<5} {_describe(split)}", markup=False, soft_wrap=True)
    return found.verdict


def _describe(split: SplitReport) -> str:
    lengths = split.lengths
    tokens = f"tokens {lengths.mean:.0f} on average, 95 % up to {lengths.p95:.0f}, at most {lengths.max}"
    return f"{split.rows} rows; {tokens}, {100 * lengths.truncated:.1f} % cut at the limit; {_labels(split.labels)}"


def _labels(counts: Mapping[str, int]) -> str:
    """The most frequent labels with their shares."""
    total = sum(counts.values())
    frequent = sorted(counts, key=lambda label: -counts[label])
    shown = ", ".join(f"{label} {100 * counts[label] / total:.1f} %" for label in frequent[:_LABELS_SHOWN])
    more = len(frequent) - _LABELS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
