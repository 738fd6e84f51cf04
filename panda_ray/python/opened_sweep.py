"""One sweep in Python: loaded, planned, run, and read as frames, tables and figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from panda_ray import sweep as sections
from panda_ray.errors import InputError, unknown_name
from panda_ray.execution.signals import signals_end_the_run
from panda_ray.python.loaded_prompt import Prompt
from panda_ray.python.notebook import watch
from panda_ray.python.shown import Figures, Finished, Planned, Ranked
from panda_ray.python.table_frame import table_frame
from panda_ray.reports.numbers.analysis import analyse
from panda_ray.reports.sections import sections_of
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks.kinds.own.own_guess import Said
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.reading.study import Study
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.usecases.choosing.prompts_to_rank import on_backbone, sweep_to_rank
from panda_ray.usecases.choosing.recommendation import recommend as recommended
from panda_ray.usecases.exporting.export import export_prompt
from panda_ray.usecases.frames import CELL, cells_frame, curves_frame, predictions_frame
from panda_ray.usecases.plan import plan_sweep
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.runner import RunnerName, make_runner
from panda_ray.usecases.starting.describe import describe
from panda_ray.usecases.starting.init import with_own_task

_FROM_STORE: Mapping[str, Callable[..., pd.DataFrame]] = {
    "cells": cells_frame,
    "curves": curves_frame,
    "predictions": predictions_frame,
}
_FROM_MLFLOW: Mapping[str, Callable[[Study], pd.DataFrame]] = {
    "scores": lambda study: study.scores,
    "similarities": lambda study: study.similarity,
}


class Sweep:
    """A sweep, as its file and the changes to it say.

    Attributes:
        section: the checked content of the file.
    """

    def __init__(self, section: sections.Sweep) -> None:
        self.section = section

    @classmethod
    def load(cls, path: str | Path, changes: Mapping[str, Any] | None = None) -> Sweep:
        """Read a sweep file.

        Args:
            path: of the file, or the name of a sweep that comes with the package.
            changes: by dotted key, as `--set` has them: `{"seeds": [1, 2], "training.epochs": 3}`.

        Raises:
            InputError: one sentence per problem.
        """
        texts = [f"{key}={json.dumps(value)}" for key, value in (changes or {}).items()]
        return cls(load_sweep(str(path), texts))

    @property
    def name(self) -> str:
        """Under which MLflow has it."""
        return self.section.name

    def plan(self) -> Planned:
        """What exists, what would run and how long it would take; nothing is changed.

        Raises:
            InputError: for what cannot be run.
        """
        return Planned(plan_sweep(self.section))

    def run(self, runner: str = "ray", address: str | None = None) -> Finished:
        """Run what is missing; where it is interrupted, the same call continues.

        Args:
            runner: `ray` runs stacks in parallel, `inline` one by one in this process.
            address: of a Ray cluster; a local Ray is started unless given.

        Raises:
            InputError: for what cannot be run, before anything is.
        """
        if runner not in set(RunnerName):
            raise unknown_name("runner", runner, [each.value for each in RunnerName])
        if address is not None and runner == RunnerName.INLINE:
            raise InputError("address= names a Ray cluster; it has no meaning with runner='inline'")
        with signals_end_the_run():
            return Finished(run_sweep(self.section, make_runner(RunnerName(runner), address), watch))

    def frame(self, what: str = "scores", **where: object) -> pd.DataFrame:
        """One kind of result, a row each.

        Args:
            what: `scores` and `similarities`, as MLflow has them; `cells` with their state, `curves` (one row per
                epoch) and `predictions` (one row per dev item), as the store has them.
            where: value per column, as in `frame("curves", target="cb", seed=1)`; other rows are left out.

        Raises:
            InputError: for another kind or column, or what cannot be read.
        """
        if what in _FROM_STORE:
            _check_columns(where, CELL)
            return _FROM_STORE[what](self.section, where)
        if what not in _FROM_MLFLOW:
            raise unknown_name("kind of frame", what, [*_FROM_MLFLOW, *_FROM_STORE])
        frame = _FROM_MLFLOW[what](self._study())
        _check_columns(where, frame.columns)
        for name, value in where.items():
            frame = frame[frame[name] == value]
        return frame.reset_index(drop=True)

    def table(self, backbone: str | None = None) -> pd.DataFrame:
        """The grid table in the paper's layout: means over seeds, one row per method and source or choice of one.

        Args:
            backbone: the first one unless given.

        Raises:
            InputError: for another backbone, or MLflow cannot be read.
        """
        study = self._study()
        return table_frame(analyse(study, self._backbone(backbone, study)).table)

    def figures(self) -> Figures:
        """Every figure of the report: heat maps of similarity and gain, and charts.

        Raises:
            InputError: MLflow cannot be read.
        """
        sections = sections_of(self._study())
        return Figures({drawing.name: drawing for section in sections for drawing in section.drawings})

    def export(self, target: str, folder: str | Path) -> Prompt:
        """Write the best prompt of a target as a PEFT adapter with a card, and load it.

        Args:
            folder: made if it does not exist; an earlier export there is replaced.

        Raises:
            InputError: nothing is done for the target, PEFT cannot run its backbone, or the folder holds other files.
        """
        export_prompt(self.section, None, Path(folder), best=target)
        return Prompt.load(folder)

    def _study(self) -> Study:
        uri = tracking_uri_of(self.section.storage, self.section.tracking_uri)
        return read_study(uri, self.section.name, self.section)

    def _backbone(self, wanted: str | None, study: Study) -> str:
        if wanted is not None and wanted not in study.backbones:
            raise unknown_name("backbone", wanted, study.backbones, f"sweep {self.name!r}")
        return wanted or study.backbones[0]

    def __repr__(self) -> str:
        section = self.section
        return (
            f"<Sweep {section.name}: {len(section.source_tasks)} sources x {len(section.targets)} targets, "
            f"{len(section.backbones)} backbones, {len(section.seeds)} seeds, in {section.storage}>"
        )


def recommend(
    prompts: Sweep | str | Path | None = None,
    task: str | None = None,
    by: str = "logme",
    *,
    data: str | Path | None = None,
    backbone: str | None = None,
) -> Ranked:
    """Rank source prompts for a task, with the gain that finished cells let one expect; nothing is trained.

    Args:
        prompts: a sweep, opened or its file, whose source prompts are ranked and whose cells are evidence; or a store
            of prompts. Those that come with the package unless given.
        task: any task.
        by: a metric that judges pairs.
        data: instead of a task, a file of one's own rows, whose columns are inferred.
        backbone: of the prompts; the first one of an opened sweep.

    Raises:
        InputError: as `panda-ray recommend`.
    """
    if isinstance(prompts, Sweep):
        section = on_backbone(prompts.section, backbone)
    else:
        section = sweep_to_rank(None if prompts is None else str(prompts), backbone)
    if data is not None and task is None:
        described = describe(str(data), Said())
        task, section = described.name, with_own_task(section, described)
    elif task is None or data is not None:
        raise InputError("say what sources are wanted for: a task, or data=FILE")
    return Ranked(recommended(section, task, by))


def _check_columns(where: Mapping[str, object], columns: Any) -> None:
    for name in where:
        if name not in columns:
            raise unknown_name("column", name, columns)
