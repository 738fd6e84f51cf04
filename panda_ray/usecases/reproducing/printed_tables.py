"""A table as the paper prints it, recomputed from the cells that it prints."""

from __future__ import annotations

from panda_ray.reports.numbers.frame import in_paper_order
from panda_ray.reports.paper import TARGET_ORDER
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes
from panda_ray.reports.reproduction.paper_table import Table
from panda_ray.reports.reproduction.printed import PrintedNumbers
from panda_ray.sweep import Sweep, sources_text
from panda_ray.sweep_file import load_sweep


def printed_table(artefact: Artefact) -> Table:
    """With averages, gains and choices recomputed, and marks where the paper prints something else."""
    axes = Axes() if artefact.sweep is None else axes_of(load_sweep(artefact.sweep))
    return artefact.layout(PrintedNumbers(), axes)


def axes_of(sweep: Sweep) -> Axes:
    """What the table of a sweep runs over; its first list of sources is the one that is trained together."""
    return Axes(
        backbones=tuple(section.name for section in sweep.backbones),
        sources=tuple(sweep.single_sources),
        targets=tuple(in_paper_order(sweep.targets, TARGET_ORDER)),
        together=sources_text(sweep.source_lists[0]) if sweep.source_lists else "",
    )
