"""How far a sweep is: as its store knows it, or as MLflow does where neither store nor data can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panda_ray.choosing.choice_places import unchosen
from panda_ray.execution.planning.states import CellState, State, cell_states, count_cells, stored_states
from panda_ray.execution.store.store import Store
from panda_ray.search.trials import StudyStanding
from panda_ray.sweep import Sweep
from panda_ray.tracking.reading.read_progress import TrackedProgress, read_progress
from panda_ray.usecases.searching.searches import known_plan


@dataclass(frozen=True)
class Failed:
    """A unit without a result, why, and the machine that it ran on, empty where that is not known."""

    unit: str
    error: str
    host: str = ""


@dataclass(frozen=True)
class Status:
    """What is known of a sweep.

    Attributes:
        where: the store, or the tracking server, as it may be shown.
        sources: tasks that are transferred, in the order of the sweep file.
        targets: in the order of the sweep file.
        cells: in the order of the plan; one with a lease or a checkpoint is running, or was interrupted.
        outdated: units that are computed anew, because their inputs have changed.
        skipped: tasks that are left out, and why.
        tracked: what the last driver said, where MLflow was asked.
        studies: how those of a search stand; a search has cells where its points are chosen.
        unchosen: how many targets have no cells yet, because a metric has not chosen their sources; once for each
            backbone and method.
    """

    sweep: str
    where: str
    sources: Sequence[str]
    targets: Sequence[str]
    cells: Sequence[CellState]
    failures: Sequence[Failed]
    outdated: int
    skipped: Sequence[tuple[str, str]]
    tracked: TrackedProgress | None = None
    studies: Sequence[StudyStanding] = ()
    unchosen: int = 0

    @property
    def counts(self) -> Mapping[State, int]:
        """How many cells are in each state."""
        return count_cells(self.cells)

    @property
    def complete(self) -> bool:
        """Every cell is done, all sources are chosen, and every study of a search is over."""
        is_whole = not self.unchosen and all(study.complete for study in self.studies)
        return is_whole and self.counts["done"] == len(self.cells)

    @property
    def ended(self) -> bool:
        """Nothing more is to be expected: every cell is done, or the driver said that it has ended."""
        return self.complete or (self.tracked is not None and self.tracked.state != "running")

    @property
    def backbones(self) -> tuple[str, ...]:
        """In the order of the sweep file."""
        return tuple(dict.fromkeys(cell.backbone for cell in self.cells))


def status_of(sweep: Sweep) -> Status:
    """Look at a sweep's store; works beside a running sweep and after it.

    Raises:
        InputError: for what cannot be planned.
    """
    store = Store(sweep.storage)
    plan, studies = known_plan(sweep, store)
    states = stored_states(plan, store)
    failed = {key for key, state in states.items() if state == "failed"}
    return Status(
        sweep=sweep.name,
        where=store.url,
        sources=sweep.source_tasks,
        targets=sweep.targets,
        cells=cell_states(plan, states),
        failures=[
            Failed(plan.units[key].title, found.error, found.host)
            for key, found in store.failures.among(failed).items()
        ],
        outdated=len(plan.outdated),
        skipped=plan.skipped,
        studies=studies,
        unchosen=len(unchosen(plan)),
    )


def tracked_status(tracking_uri: str, name: str, where: str | None = None) -> Status:
    """Look at MLflow alone, without data sets, store or engine; works beside a running sweep and after it.

    Args:
        where: what is said of the server, where its address means nothing to people.

    Raises:
        InputError: MLflow cannot be reached, or has no such sweep.
    """
    found = read_progress(tracking_uri, name)
    return Status(
        sweep=name,
        where=where or found.where,
        sources=found.sources,
        targets=found.targets,
        cells=found.cells,
        failures=[Failed(failure.title, failure.error) for failure in found.failures if failure.status == "failed"],
        outdated=0,
        skipped=found.skipped,
        tracked=found,
        unchosen=found.unchosen,
    )
