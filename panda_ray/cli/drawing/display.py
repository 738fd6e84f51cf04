"""A running sweep on the screen: bars, the grid filling and an ETA on a terminal, sparse lines elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from panda_ray.cli.drawing.grid import legend, render_grid
from panda_ray.cli.wording.search_words import describe_trials
from panda_ray.cli.wording.words import duration
from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.planning.states import cell_states, stages
from panda_ray.search.trials import StudyStanding
from panda_ray.usecases.progress import STALLED_SECONDS, Progress

if TYPE_CHECKING:
    from panda_ray.execution.costs.costs import Costs
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.planning.stack import Stack
    from panda_ray.training.engine.epoch_report import EpochReport
    from panda_ray.usecases.searching.searches import Standings

_REFRESHES_PER_SECOND = 4
_HEARTBEAT_SECONDS = 30.0


def no_search() -> tuple[StudyStanding, ...]:
    """The studies of a run that is none of a search."""
    return ()


def make_display(console: Console, costs: Costs, standings: Standings = no_search) -> LiveDisplay | PlainDisplay:
    """The display that suits the console.

    Args:
        standings: how the studies of a search stand.
    """
    display = LiveDisplay if console.is_terminal else PlainDisplay
    return display(console, costs, standings)


class PlainDisplay(Listener):
    """One line per finished stack and per failure, and one every half minute, for logs and pipes."""

    def __init__(
        self, console: Console, costs: Costs, standings: Standings = no_search, every: float = _HEARTBEAT_SECONDS
    ) -> None:
        self._console, self._costs, self._standings, self._every = console, costs, standings, every
        self._progress: Progress | None = None
        self._over, self._growing = threading.Event(), threading.Lock()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def on_plan(self, plan: Plan) -> None:
        self._progress = Progress(plan, self._costs)
        self._line(f"{len(plan.done)} of {len(plan.units)} units done, {len(plan.stacks)} stacks to run")
        self._heart.start()

    def on_grown(self, plan: Plan) -> None:
        more = len(plan.units) - len(self._known.plan.units)
        with self._growing:
            self._known.grow(plan)
        if more:
            self._line(f"{more} units more, {len(plan.units)} now")

    def on_stack_started(self, stack: Stack) -> None:
        self._known.start(stack)

    def on_lost(self, stack: Stack, reason: str) -> None:
        self._known.lost(stack)
        self._line(_lost(stack, reason))

    def on_refused(self, sentences: Sequence[str]) -> None:
        self._known.refused(sentences)
        for sentence in sentences:
            self._line(sentence)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        self._known.epoch(stack, report)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        last = self._known.outcome(stack, outcome)
        if outcome.status == "failed":
            self._line(f"failed: {self._known.plan.units[outcome.key].title}: {outcome.error}")
        if last and stack is not None:
            done = f"{self._known.count('done')} of {len(self._known.states)} units done"
            self._line(f"{stack.title}: finished; {done}{self._eta()}")
            if standings := self._standings():
                self._line(describe_trials(standings))

    def on_held(self, stack: Stack, keys: Collection[str]) -> None:
        self._known.held(stack, keys)
        self._line(
            f"{stack.title}: another run is at work on {len(keys)} of its units, or stopped them; they come later"
        )

    def on_finished(self, summary: RunSummary) -> None:
        self._line(f"{len(summary.new)} new results in {duration(self._known.elapsed)}")

    def close(self) -> None:
        """Say nothing more."""
        self._over.set()

    def _beat(self) -> None:
        """Tell those who read along that a long stack is no dead one, and what keeps the run from going on."""
        told = 0
        while not self._over.wait(self._every):
            with self._growing:
                known = self._known
                times, warnings = int(known.stalled // STALLED_SECONDS), known.warnings
                done = f"{known.count('done')} of {len(known.states)} units done"
                line = f"{done}, {known.count('running')} running, {duration(known.elapsed)} so far{self._eta()}"
            self._line(line)
            if times > told:
                for warning in warnings:
                    self._line(warning)
            told = times

    @property
    def _known(self) -> Progress:
        assert self._progress is not None, "a run begins with its plan"
        return self._progress

    def _eta(self) -> str:
        eta = self._known.eta
        return f", about {duration(eta)} to go" if eta and self._known.count("waiting") else ""

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)


class LiveDisplay(Listener):
    """Stage bars, the grid of each backbone, speed and ETA, redrawn in place."""

    def __init__(self, console: Console, costs: Costs, standings: Standings = no_search) -> None:
        self._console, self._costs, self._standings = console, costs, standings
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._live = Live(
            console=console, get_renderable=self._render, refresh_per_second=_REFRESHES_PER_SECOND, transient=False
        )

    def on_plan(self, plan: Plan) -> None:
        self._progress = Progress(plan, self._costs)
        self._live.start()

    def on_grown(self, plan: Plan) -> None:
        with self._lock:
            self._known.grow(plan)

    def on_stack_started(self, stack: Stack) -> None:
        with self._lock:
            self._known.start(stack)

    def on_lost(self, stack: Stack, reason: str) -> None:
        with self._lock:
            self._known.lost(stack)
        self._console.print(_lost(stack, reason), style="yellow", markup=False, soft_wrap=True)

    def on_refused(self, sentences: Sequence[str]) -> None:
        with self._lock:
            self._known.refused(sentences)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        with self._lock:
            self._known.epoch(stack, report)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        with self._lock:
            self._known.outcome(stack, outcome)

    def on_held(self, stack: Stack, keys: Collection[str]) -> None:
        with self._lock:
            self._known.held(stack, keys)

    def on_finished(self, summary: RunSummary) -> None:
        self.close()

    def close(self) -> None:
        """Leave the last picture on the screen and give the terminal back."""
        self._live.stop()

    @property
    def _known(self) -> Progress:
        assert self._progress is not None, "a run begins with its plan"
        return self._progress

    def _render(self) -> RenderableType:
        if self._progress is None:
            return Text("")
        with self._lock:
            parts: list[RenderableType] = [stage_bars(self._progress), speed_line(self._progress)]
            if standings := self._standings():
                parts.append(Text(describe_trials(standings)))
            parts += [Text(warning, "yellow") for warning in self._progress.warnings]
            grids = [grid for name in backbones_of(self._progress.plan) for grid in self._grid(name)]
        height = (
            sum(len(part.plain.splitlines()) for part in grids) + len(stages(self._known.plan, self._known.states)) + 2
        )
        # A picture taller than the terminal cannot be redrawn in place; the bars alone can.
        return Group(*parts, *(grids if height < self._console.height else []))

    def _grid(self, backbone: str) -> list[Text]:
        plan = self._known.plan
        cells = cell_states(plan, self._known.states)
        grid = render_grid(cells, plan.sweep.source_tasks, plan.sweep.targets, backbone)
        return [Text(backbone, "bold"), grid, legend()]


def _lost(stack: Stack, reason: str) -> str:
    return f"{stack.title}: {reason}; it goes on from its checkpoint"


def backbones_of(plan: Plan) -> list[str]:
    """Names of the backbones, in the order of the sweep."""
    return [section.name for section in plan.sweep.backbones]


def stage_bars(progress: Progress) -> Table:
    """A bar per stage."""
    table = Table.grid(padding=(0, 2))
    for name, counts in stages(progress.plan, progress.states).items():
        lost = counts["failed"] + counts["blocked"]
        total = sum(counts.values())
        bar = ProgressBar(total=total, completed=counts["done"], width=40)
        table.add_row(name, bar, f"{counts['done']}/{total}", Text(f"{lost} failed" if lost else "", "red"))
    return table


def speed_line(progress: Progress) -> Text:
    """Units per second or minute, examples per second, elapsed time and ETA."""
    rate = progress.units_per_second
    speed = f"{rate:.1f} units/s" if rate >= 1 else f"{60 * rate:.1f} units/min"
    parts = [f"{progress.count('done')}/{len(progress.states)} units", speed]
    if progress.examples_per_second:
        parts.append(f"{progress.examples_per_second:,.0f} examples/s")
    parts.append(f"{duration(progress.elapsed)} elapsed")
    if progress.eta is not None and progress.count("waiting") + progress.count("running"):
        parts.append(f"about {duration(progress.eta)} to go")
    return Text("   ".join(parts))
