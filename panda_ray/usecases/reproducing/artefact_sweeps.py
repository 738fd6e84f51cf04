"""An artefact as an ordinary sweep: the shipped one, with what is wanted otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from panda_ray.errors import InputError
from panda_ray.reports.numbers.frame import in_paper_order
from panda_ray.reports.paper import TARGET_ORDER
from panda_ray.reports.reproduction.all_artefacts import ARTEFACTS, get_artefact
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes
from panda_ray.sweep import Sweep, sources_text
from panda_ray.sweep.named_tasks import task_of
from panda_ray.sweep_file import load_sweep

ALL = "all"


def artefacts_named(names: Sequence[str]) -> list[Artefact]:
    """The artefacts of these ids, each once; all of them where one says so.

    Raises:
        InputError: there is none of an id.
    """
    found = [artefact for name in names for artefact in (ARTEFACTS.values() if name == ALL else [get_artefact(name)])]
    return list({artefact.id: artefact for artefact in found}.values())


def artefact_sweeps(names: Sequence[str], overrides: Sequence[str]) -> list[tuple[Artefact, Sweep]]:
    """The artefacts that something must run for, each with its sweep.

    Raises:
        InputError: there is none of a name, nothing runs for it, or the overrides do not fit.
    """
    found = [
        (artefact, load_sweep(artefact.sweep, overrides))
        for artefact in artefacts_named(names)
        if artefact.sweep is not None
    ]
    if not found:
        raise InputError(f"nothing runs for {names[0]}: it shows what is known beforehand; see it with --printed")
    return found


def axes_of(sweep: Sweep) -> Axes:
    """What the table of a sweep runs over; its first list of sources is the one that is trained together."""
    return Axes(
        backbones=tuple(section.name for section in sweep.backbones),
        sources=tuple(sweep.single_sources),
        targets=tuple(in_paper_order(sweep.targets, TARGET_ORDER)),
        together=sources_text(sweep.source_lists[0]) if sweep.source_lists else "",
        metrics=tuple(section.title for section in sweep.metrics),
        groups={name: task_of(name, sweep.tasks).group for name in (*sweep.source_tasks, *sweep.targets)},
    )
