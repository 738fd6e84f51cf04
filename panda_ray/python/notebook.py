"""A run as Python shows it: one picture that is drawn anew in a notebook, and what the command line shows elsewhere."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from panda_ray.cli.console import stderr
from panda_ray.cli.drawing.display import make_display
from panda_ray.cli.wording.words import describe_start, duration
from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.planning.states import stages
from panda_ray.usecases.progress import Progress

if TYPE_CHECKING:
    from panda_ray.execution.costs.costs import Costs
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.planning.stack import Stack
    from panda_ray.training.engine.epoch_report import EpochReport
    from panda_ray.usecases.run import Start

_SECONDS = 0.5
"""Between two pictures; each one is kept in the notebook's file until the next takes its place."""


@contextmanager
def watch(start: Start) -> Iterator[Sequence[Listener]]:
    """Show how a run goes."""
    for line in describe_start(start):
        stderr.print(line, style="yellow", markup=False, soft_wrap=True)
    if stderr.is_jupyter:
        yield [NotebookDisplay(start.costs)]
        return
    display = make_display(stderr, start.costs, start.standings)
    try:
        yield [display]
    finally:
        display.close()


class NotebookDisplay(Listener):
    """A bar per stage, the speed and what failed, under the cell that runs the sweep."""

    def __init__(self, costs: Costs) -> None:
        from IPython import display

        self._costs = costs
        self._ipython: Any = display
        self._progress: Progress | None = None
        self._failed: list[str] = []
        self._drawn = 0.0
        self._handle = self._ipython.display(self._ipython.HTML(""), display_id=True)

    def on_plan(self, plan: Plan) -> None:
        self._progress = Progress(plan, self._costs)
        self._draw()

    def on_grown(self, plan: Plan) -> None:
        self._known.grow(plan)
        self._draw()

    def on_stack_started(self, stack: Stack) -> None:
        self._known.start(stack)
        self._draw()

    def on_lost(self, stack: Stack, reason: str) -> None:
        self._known.lost(stack)
        self._draw()

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        self._known.epoch(stack, report)
        self._draw()

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        self._known.outcome(stack, outcome)
        if outcome.status == "failed":
            self._failed.append(f"{self._known.plan.units[outcome.key].title}: {outcome.error}")
        self._draw()

    def on_held(self, stack: Stack, keys: Collection[str]) -> None:
        self._known.held(stack, keys)
        self._draw()

    def on_finished(self, summary: RunSummary) -> None:
        self._drawn = 0.0
        self._draw()

    @property
    def _known(self) -> Progress:
        assert self._progress is not None, "a run begins with its plan"
        return self._progress

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._drawn >= _SECONDS:
            self._drawn = now
            self._handle.update(self._ipython.HTML(self._picture()))

    def _picture(self) -> str:
        known = self._known
        bars = [
            f"<tr><td>{escape(name)}</td><td><progress max='{counts.total()}' value='{counts['done']}'></progress></td>"
            f"<td>{counts['done']} of {counts.total()}</td></tr>"
            for name, counts in stages(known.plan, known.states).items()
        ]
        said = [f"{known.count('done')} of {len(known.states)} units, {duration(known.elapsed)} elapsed"]
        if known.eta is not None and known.count("waiting") + known.count("running"):
            said.append(f"about {duration(known.eta)} to go")
        failed = "".join(f"<li>{escape(line)}</li>" for line in self._failed)
        return f"<table>{''.join(bars)}</table><p>{', '.join(said)}</p><ul>{failed}</ul>"
