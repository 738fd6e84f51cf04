"""`panda-ray data check | convert`: look at every row before training, and bring licensed sets into shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panda_ray.cli.console import stdout
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.tasks import TaskSpec
    from panda_ray.tasks.check import SplitReport

EXIT_PROBLEMS = 1
_LABELS_SHOWN = 8
_BUILTIN = "builtin-tiny"
_PAPER = "bert-base"
_NO_TOKENIZER = (
    f"{_PAPER} is not in the local cache, so {_BUILTIN} counts the tokens; it spells English words letter by letter. "
    "Name a backbone or a model folder for real lengths: --backbone DIR"
)

app = typer.Typer(name="data", help="Check and convert data sets.", no_args_is_help=True)

Tasks = Annotated[
    list[str], typer.Argument(metavar="[TASK]...", help="Tasks to check; all unless given.", default_factory=list)
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
MaxLen = Annotated[int, typer.Option(min=8, help="Tokens above which a row counts as truncated.")]
Layout = Annotated[str, typer.Option(help="conll03, conll05, conll12 or ontonotes.")]
Language = Annotated[str, typer.Option(help="english, chinese or arabic: which files of a release tree are read.")]


@app.command()
def check(tasks: Tasks, data_root: DataRoot = None, backbone: BackboneOption = None, max_len: MaxLen = 128) -> None:
    """Verify rows, labels, lengths and fingerprint of each task; exit status 1 if anything is wrong with one."""
    from panda_ray.tasks import TASKS, get_task
    from panda_ray.tasks.task import BuiltinOrigin

    specs = [get_task(name) for name in tasks] if tasks else list(TASKS)
    builtin = _tokenizer(backbone or _BUILTIN)
    other = builtin if backbone else _cached_tokenizer() or builtin
    if other is builtin and not backbone:
        stdout.print(_NO_TOKENIZER, style="yellow")
    states = [
        _check(spec, data_root, builtin if isinstance(spec.origin, BuiltinOrigin) else other, max_len) for spec in specs
    ]
    stdout.print(", ".join(f"{states.count(state)} {state}" for state in ("in order", "absent", "with problems")))
    if "with problems" in states or (tasks and "absent" in states):
        raise typer.Exit(EXIT_PROBLEMS)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A column file, or a folder with *gold_conll files.")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="For example DIR/conll05/train.parquet.")],
    layout: Layout,
    language: Language = "english",
) -> None:
    """Convert one split of a licensed set from the CoNLL column formats to Parquet."""
    from panda_ray.tasks.conll import convert_conll

    done = convert_conll(source, output, layout, language)
    left_out = ", ".join(f"{count} {reason}" for reason, count in done.left_out.items())
    said = f"; left out: {left_out}" if left_out else ""
    files = "1 file" if done.files == 1 else f"{done.files} files"
    stdout.print(f"{done.rows} rows from {files} in {output}{said}", markup=False, soft_wrap=True)


def _tokenizer(backbone: str) -> Any:
    from panda_ray.backbones import load_backbone

    is_folder = Path(backbone).is_dir()
    return load_backbone(backbone, backbone if is_folder else None, device="cpu").tokenizer


def _cached_tokenizer() -> Any | None:
    """The tokenizer of the paper's backbones, or None; a check of local data asks no server."""
    from transformers import AutoTokenizer

    from panda_ray.backbones import get_backbone_spec

    spec = get_backbone_spec(_PAPER)
    try:
        return AutoTokenizer.from_pretrained(spec.repository, revision=spec.revision, local_files_only=True)
    except OSError:
        return None


def _check(spec: TaskSpec, data_root: str | None, tokenizer: Any, max_len: int) -> str:
    """Print what was found about one task; returns its state."""
    from panda_ray.tasks.check import check_task
    from panda_ray.tasks.loading import MissingData

    try:
        report = check_task(spec, data_root, tokenizer, max_len)
    except MissingData as error:
        stdout.print(f"{spec.name}: absent: {error}", style="yellow", markup=False, soft_wrap=True)
        return "absent"
    except Exception as error:  # whatever one task does, the others are checked too
        said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        stdout.print(f"{spec.name}: {said}", style="red", markup=False, soft_wrap=True)
        return "with problems"
    if report.train is None or report.dev is None:
        for problem in report.problems:
            stdout.print(f"{spec.name}: {problem}", style="red", markup=False, soft_wrap=True)
        return "with problems"
    stdout.print(f"{spec.name}: fingerprint {report.fingerprint}", markup=False)
    for name, split in (("train", report.train), ("dev", report.dev)):
        stdout.print(f"  {name:<5} {_describe(split)}", markup=False, soft_wrap=True)
    return "in order"


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
