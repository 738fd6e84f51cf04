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
Prompts = Annotated[
    str | None,
    typer.Option(
        "--prompts",
        metavar="WHERE",
        help="What is ranked: the source prompts of a sweep (its file), whose cells are evidence, or those of a store "
        "(folder, URL, hf://USER/NAME); the package's unless given.",
    ),
]
Backbone = Annotated[
    str | None,
    typer.Option("--backbone", help="Of the prompts: a name that `panda-ray backbones` lists, or a model's folder."),
]
By = Annotated[
    str, typer.Option("--by", metavar="METRIC", help="A metric that judges pairs: logme, knn, h_score, leep, nce.")
]


def recommend(
    overrides: Overrides,
    task: Task = None,
    data: Data = None,
    backbone: Backbone = None,
    prompts: Prompts = None,
    by: By = "logme",
    as_json: Json = False,
) -> None:
    """Rank source prompts for a task, with the gain over prompt tuning that finished cells let one expect.

    Nothing is trained; the metric is computed in this process and kept in the sweep's store.
    """
    from panda_ray.tasks.kinds.own.own_guess import Said
    from panda_ray.usecases.choosing.prompts_to_rank import sweep_to_rank
    from panda_ray.usecases.choosing.recommendation import recommend as recommended
    from panda_ray.usecases.starting.describe import describe
    from panda_ray.usecases.starting.init import with_own_task

    loaded = sweep_to_rank(prompts, backbone, overrides)
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
