"""What a sweep reads: data sets and backbones, looked for without downloading any."""

from __future__ import annotations

from collections.abc import Iterator

from panda_ray.execution.units.catalog import read_catalog
from panda_ray.sweep import Sweep
from panda_ray.tasks.caching.fetched import is_url
from panda_ray.tasks.rows.hub import hub_problem
from panda_ray.usecases.doctor.case import Case, Finding


def folders_of(sweep: Sweep) -> Iterator[str]:
    """What a sweep reads from folders of machines: data sets, files of tasks of one's own, and models."""
    own = (path for section in sweep.tasks.values() for path in (section.data, section.dev))
    named = (sweep.data_root, *own, *(section.path for section in sweep.backbones))
    yield from (folder for folder in named if folder is not None and not is_url(folder))


def check_inputs(case: Case) -> Iterator[Finding]:
    """Rows and backbones are here, or can be fetched."""
    if case.sweep is None:
        return
    catalog = read_catalog(case.sweep, download=False)
    absent = [*catalog.nominal_tasks, *catalog.nominal_backbones]
    here = len(catalog.data) + len(catalog.backbones) - len(absent)
    case.facts.update(inputs_here=here, inputs_absent=absent)
    if not absent:
        yield Finding("data", "ok", f"{len(catalog.data)} data sets and {len(catalog.backbones)} backbones are here")
        return
    root = case.sweep.data_root
    if root is not None and catalog.nominal_tasks:
        listed = ", ".join(catalog.nominal_tasks)
        remedy = f"put them below {root} as docs/data.md says; cells that need them are left out otherwise"
        state = "failure" if len(catalog.nominal_tasks) == len(catalog.data) else "warning"
        yield Finding("data", "failure" if state == "failure" else "warning", f"no rows of {listed} in {root}", remedy)
        absent = [*catalog.nominal_backbones]
    if absent:
        yield _of_hub(absent)


def _of_hub(absent: list[str]) -> Finding:
    """Whether what is not here can be fetched."""
    listed = ", ".join(absent)
    if (problem := hub_problem()) is not None:
        remedy = "open the way to it, or bring them: docs/data.md"
        return Finding("data", "failure", f"{listed} are not here, and {problem}", remedy)
    return Finding("data", "ok", f"{listed} come from the Hub with the first run")
