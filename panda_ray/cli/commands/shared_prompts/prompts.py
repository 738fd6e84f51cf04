"""`panda-ray prompts ls | show | push | pull | import | rm`: trained prompts that sweeps share, in any store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from panda_ray.cli.console import print_json, stdout
from panda_ray.cli.options import Json, Overrides, SweepFile
from panda_ray.foreign_text import one_line

if TYPE_CHECKING:
    from panda_ray.usecases.shared_prompts.kept import KeptPrompt

_SHOWN = 12
"""Digits of a key that people see and may type."""

app = typer.Typer(name="prompts", help="Share trained prompts between sweeps.", no_args_is_help=True)

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL", help="Folder or URL (s3://, gs://, hf://USER/REPO[@REVISION]) of a store, or builtin."
    ),
]
Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of a prompt, or how it begins.")]
Keys = Annotated[
    list[str],
    typer.Argument(
        metavar="[KEY]...", help="Prompts to copy; all unless given.", default_factory=list, show_default=False
    ),
]
Storage = Annotated[str, typer.Argument(metavar="STORAGE", help="Folder or URL of the store to copy them to.")]
Tasks = Annotated[
    list[str],
    typer.Option(
        "--task", help="Only this source's prompts; may be repeated.", default_factory=list, show_default=False
    ),
]
Foreign = Annotated[
    Path, typer.Argument(metavar="PATH", help="Folder of a PEFT prefix-tuning adapter, or a checkpoint of P-Tuning v2.")
]
Task = Annotated[str, typer.Option("--task", help="Registered task that it is a prompt of.")]
OfBackbone = Annotated[str, typer.Option("--backbone", help="Backbone that it was trained with.")]
Model = Annotated[str | None, typer.Option("--model", metavar="DIR", help="Folder of the backbone's weights.")]
DataRoot = Annotated[str | None, typer.Option("--data-root", metavar="DIR", help="Folder of data sets.")]
MaxLen = Annotated[int, typer.Option("--max-len", min=8, help="Tokens per row; as `training.max_len` of the sweeps.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("ls")
def list_prompts(url: Url, as_json: Json = False) -> None:
    """List the prompts of a store that sweeps may take."""
    from panda_ray.usecases.shared_prompts.kept import prompts_in

    _print(prompts_in(url), as_json)


@app.command()
def show(url: Url, key: Key) -> None:
    """Print all that is known of one prompt, as JSON."""
    from panda_ray.usecases.shared_prompts.kept import prompt_in

    found, record = prompt_in(url, key)
    print_json({**asdict(found), "record": dict(record)})


@app.command()
def push(sweep_file: SweepFile, url: Url, overrides: Overrides, tasks: Tasks, as_json: Json = False) -> None:
    """Copy the finished source prompts of a sweep to a store, from which others take them with `prompts: URL`."""
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.shared_prompts.hub_places import is_on_hub
    from panda_ray.usecases.shared_prompts.hub_prompts import push_to_hub
    from panda_ray.usecases.shared_prompts.kept import push_prompts

    sweep = load_sweep(sweep_file, overrides)
    if not is_on_hub(url):
        _print(push_prompts(sweep, url, tasks), as_json, "copied to", url)
        return
    pushed, commit = push_to_hub(sweep, url, tasks)
    _print(pushed, as_json, "copied to", url if commit is None else f"{url}@{commit}")


@app.command()
def pull(url: Url, storage: Storage, keys: Keys, as_json: Json = False) -> None:
    """Copy prompts of a store to another one, each checked by its checksums."""
    from panda_ray.usecases.shared_prompts.kept import pull_prompts

    _print(pull_prompts(url, storage, keys), as_json, "copied to", storage)


@app.command("import")
def import_foreign(
    path: Foreign,
    url: Storage,
    task: Task,
    backbone: OfBackbone,
    model: Model = None,
    data_root: DataRoot = None,
    max_len: MaxLen = 128,
    as_json: Json = False,
) -> None:
    """Bring a prompt that PEFT or P-Tuning v2 trained into a store, evaluated on the task's dev rows."""
    from panda_ray.usecases.shared_prompts.importing import import_prompt

    kept = import_prompt(path, url, task, backbone, model, data_root, max_len)
    _print([kept], as_json, "imported to", url)
    if not as_json:
        said = f"in a sweep: prompts: {url} and tasks: {{{task}: {{imported: {{{backbone}: {kept.imported}}}}}}}"
        stdout.print(said, markup=False, soft_wrap=True)


@app.command("rm")
def remove(url: Url, key: Key, yes: Yes = False) -> None:
    """Remove one prompt from a store; one that other results there were computed from stays."""
    from panda_ray.usecases.shared_prompts.kept import prompt_in, remove_prompt

    found, _ = prompt_in(url, key)
    said = f"the prompt of {found.task} on {found.backbone}, seed {found.seed} ({found.key[:_SHOWN]})"
    if not yes and not typer.confirm(one_line(f"Remove {said} from {url}?")):
        raise typer.Exit(1)
    remove_prompt(url, found)
    stdout.print(f"removed {said}", markup=False, soft_wrap=True)


def _print(found: Sequence[KeptPrompt], as_json: bool, done: str = "in", url: str = "") -> None:
    if as_json:
        print_json([asdict(each) for each in found])
        return
    if found:
        stdout.print(_table(found))
    stdout.print(f"{len(found)} prompts{f' {done} {url}' if url else ''}", markup=False, soft_wrap=True)


def _table(found: Sequence[KeptPrompt]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    left = ("task", "backbone", "method", "measure", "data", "key", "licence")
    for column in ("task", "backbone", "method", "seed", "score", "measure", "length", "KiB", "data", "key", "licence"):
        table.add_column(column, justify="left" if column in left else "right")
    for each in found:
        numbers = (str(each.seed), f"{each.score:.1f}", each.measure, str(each.prompt_len), f"{each.size / 1024:.0f}")
        names = (one_line(each.task), one_line(each.backbone), one_line(each.method))
        table.add_row(*names, *numbers, each.data[:8], each.key[:_SHOWN], each.licence)
    return table
