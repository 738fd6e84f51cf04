"""`panda-ray recommend`: which source helps a task, before anything is trained on it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from panda_ray.cli.console import print_json, stderr, stdout
from panda_ray.cli.options import Json, Overrides
from panda_ray.cli.wording.recommend_words import describe_evidence, describe_recommended
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.usecases.choosing.recommendation import Recommendation

Task = Annotated[str | None, typer.Option("--task", help="The task that sources are wanted for.")]
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="DATA", help="Instead of a task: rows of your own, or of the Hub, as in `adapt`."),
]
Shelf = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        metavar="SWEEP",
        help="Whose source prompts are ranked, and whose cells are evidence; or else those of the package.",
    ),
]
By = Annotated[
    str, typer.Option("--by", metavar="METRIC", help="A metric that judges pairs: logme, knn, h_score, leep, nce.")
]


def recommend(
    overrides: Overrides,
    task: Task = None,
    data: Data = None,
    sweep: Shelf = None,
    by: By = "logme",
    as_json: Json = False,
) -> None:
    """Rank a sweep's sources for a task, with the gain over prompt tuning that its finished cells let one expect.

    Nothing is trained; the metric is computed in this process and kept in the sweep's store.
    """
    from panda_ray.sweep_file import load_sweep
    from panda_ray.tasks.kinds.own.own_guess import Said
    from panda_ray.usecases.choosing.recommendation import recommend as recommended
    from panda_ray.usecases.starting.describe import describe
    from panda_ray.usecases.starting.init import builtin_shelf, with_own_task

    loaded = builtin_shelf(overrides) if sweep is None else load_sweep(sweep, overrides)
    if data is not None and task is None:
        described = describe(data, Said(), stderr.print)
        task, loaded = described.name, with_own_task(loaded, described)
        for line in described.lines:
            stderr.print(line, markup=False, soft_wrap=True)
    elif task is None or data is not None:
        raise InputError("say what sources are wanted for: --task TASK, or --data FILE")
    found = recommended(loaded, task, by, stderr.status)
    if as_json:
        print_json(_as_json(found))
        return
    for line in describe_recommended(found):
        stdout.print(line, markup=False, soft_wrap=True)
    stdout.print(_table(found))
    for line in describe_evidence(found):
        stdout.print(line, markup=False, soft_wrap=True)


def _table(found: Recommendation) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("source", found.metric, "predicted gain", "90 % interval", "measured gain"):
        table.add_column(column, justify="left" if column == "source" else "right")
    for each in found.sources:
        said = each.predicted
        predicted = ("", "") if said is None else (f"{said.gain:+.1f}", f"[{said.low:+.1f}, {said.high:+.1f}]")
        measured = "" if each.measured is None else f"{each.measured:+.1f}"
        table.add_row(each.source, f"{each.similarity:.3f}", *predicted, measured)
    return table


def _as_json(found: Recommendation) -> dict[str, Any]:
    """Gains in points; `evidence` has similarity and gain by target and source."""
    said = asdict(found)
    covered = None if found.covered is None else {"held": found.covered[0], "of": found.covered[1]}
    return {**said, "prompts": sorted(found.prompts), "covered": covered}
