"""The best source of each target of a sweep, from MLflow alone."""

from __future__ import annotations

from dataclasses import replace

from panda_ray.errors import InputError, unknown_name
from panda_ray.reports.numbers.analysis import analyse
from panda_ray.reports.numbers.sources.best_sources import BestSource
from panda_ray.sweep import Sweep
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.reading.study import Study
from panda_ray.tracking.server.uri import tracking_uri_of


def best_of(sweep: Sweep, target: str | None = None) -> dict[str, tuple[BestSource, ...]]:
    """By backbone, the best source of each target.

    Args:
        target: only this one.

    Raises:
        InputError: MLflow cannot be read or has no such sweep, the sweep has no such target, or no transfer can be
            compared with prompt tuning.
    """
    if target is not None and target not in sweep.targets:
        raise unknown_name("target", target, sweep.targets, f"sweep {sweep.name!r}")
    study = read_study(tracking_uri_of(sweep.storage, sweep.tracking_uri), sweep.name, sweep)
    if target is not None:
        study = _of_target(study, target)
    found = {backbone: analyse(study, backbone).best for backbone in study.backbones}
    if not any(found.values()):
        where = sweep.name if target is None else f"{sweep.name!r} to {target}"
        raise InputError(f"no finished transfer of sweep {where} can be compared with a finished prompt_tuning yet")
    return found


def _of_target(study: Study, target: str) -> Study:
    """The study without the scores of other targets, which would take their time."""
    cells, scores = (frame[frame["target"] == target] for frame in (study.cells, study.scores))
    return replace(study, cells=cells, scores=scores, targets=(target,))
