"""What a search chose, from MLflow alone, as a tuned file that grids use."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from panda_ray.errors import InputError
from panda_ray.execution.units.recipes import MethodRecipe
from panda_ray.search.space import varied
from panda_ray.search.trials import Address, StudyStanding
from panda_ray.sweep import Sweep, sources_text
from panda_ray.sweep.hyperparameters import SCALED_INITIALIZATIONS, Chosen, Measured, Tuned, TunedTraining
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.reading.study import Study
from panda_ray.tracking.server.uri import tracking_uri_of

_SAID = ("tuned", "training", "tasks", "methods")
"""Levels that a grid without the search's sweep file lacks."""

_BY: dict[str, str] = {
    "paper": "Points were compared by the score that is reported (protocol paper): the scores are optimistic.",
    "honest": "One half of the dev set chose; the scores are of the other half (protocol honest).",
}


@dataclass(frozen=True)
class Choices:
    """What a search chose.

    Attributes:
        tuned: an entry per study with a point that is done.
        comments: what a reader of the file must know.
    """

    tuned: Tuned
    comments: tuple[str, ...]


def choices_of(sweep: Sweep) -> Choices:
    """The best point of every study so far, with all that the sweep file says of its training.

    Raises:
        InputError: the sweep is no search, or MLflow cannot be read or has nothing of it.
    """
    if sweep.search is None:
        raise InputError(f"sweep {sweep.name!r} has no section `search`, so there is nothing that it chose")
    study = read_study(tracking_uri_of(sweep.storage, sweep.tracking_uri), sweep.name, sweep)
    if study.searched is None:
        raise InputError(f"MLflow has no point of the search {sweep.name!r} yet; run it first")
    comments = [f"Chosen by the search {sweep.name}.", _BY[sweep.protocol]]
    chosen = []
    for standing in (found.standing for found in study.searched.studies):
        if standing.best is None:
            comments.append(f"Nothing is chosen yet for {standing.address.title}.")
            continue
        if not standing.complete:
            comments.append(f"The search of {standing.address.title} is not over.")
        comments += _not_of_a_cell(standing)
        chosen.append(_chosen(sweep, standing, study))
    return Choices(Tuned(format=1, chosen=chosen), tuple(comments))


def _chosen(sweep: Sweep, standing: StudyStanding, study: Study) -> Chosen:
    backbone, label, sources, target = standing.address
    assert standing.best is not None
    listed = next(section for section in sweep.methods if section.title == label)
    changed, section = varied(sweep, listed, target, standing.best.point)
    recipe = MethodRecipe(section, changed, [target]).at(backbone, sources, target)
    return Chosen(
        backbone=backbone,
        method=section.method,
        label=section.label,
        sources=list(sources) or None,
        task=target,
        training=_training(recipe, target),
        options={**(recipe.chosen.options if recipe.chosen else {}), **section.options},
        measured=_measured(sweep, standing, study),
    )


def _training(recipe: MethodRecipe, task: str) -> TunedTraining:
    """What the sweep file, its tuned file or the point says; the rest is the same in every sweep."""
    config, levels = recipe.configs[task], recipe.levels[task]
    names = [name for name in TunedTraining.model_fields if levels[name] in _SAID]
    if config.initialization not in SCALED_INITIALIZATIONS:
        names = [name for name in names if name != "initialization_scale"]
    return TunedTraining(**{name: getattr(config, name) for name in names})


def _measured(sweep: Sweep, standing: StudyStanding, study: Study) -> Measured:
    scores = _scores(study, standing.address)
    told: dict[str, Any] = {}
    if scores:
        told = {"score": round(statistics.fmean(scores), 2), "seeds": len(scores)}
    if len(scores) > 1:
        told["sd"] = round(statistics.stdev(scores), 2)
    return Measured(search=sweep.name, protocol=sweep.protocol, trials=len(standing.trials), **told)


def _scores(study: Study, address: Address) -> list[float]:
    """Of the cells that the chosen point fills."""
    table = study.scores
    own = (
        (table["backbone"] == address.backbone)
        & (table["method"] == address.method)
        & (table["sources"] == sources_text(address.sources))
        & (table["target"] == address.target)
    )
    return [float(score) for score in table.loc[own, "score"]]


def _not_of_a_cell(standing: StudyStanding) -> list[str]:
    """What was searched and is one for all prompts of a sweep."""
    assert standing.best is not None
    names = [name for name in standing.best.point if "." not in name and name not in TunedTraining.model_fields]
    said = ", ".join(f"{name}: {standing.best.point[name]}" for name in names)
    title = standing.address.title
    return [f"{title} was chosen with {said}, which belongs under `training` of a sweep file."] if names else []
