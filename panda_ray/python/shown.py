"""What planning, running and ranking return: the use case's data, and how a notebook shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from panda_ray.cli.wording.closing import Closing, Commands
from panda_ray.cli.wording.recommend_words import describe_evidence, describe_recommended
from panda_ray.cli.wording.words import describe_ahead, describe_taken
from panda_ray.reports.figures.drawing import Drawing
from panda_ray.reports.written_report import BestRow
from panda_ray.usecases.choosing.recommendation import Recommendation
from panda_ray.usecases.plan import Outlook
from panda_ray.usecases.run import Run


@dataclass(frozen=True)
class Planned:
    """A sweep before it runs; `outlook` has all that is known."""

    outlook: Outlook

    @property
    def units(self) -> pd.DataFrame:
        """Units by stage: in total, done, to run, and blocked by one that failed."""
        return pd.DataFrame.from_dict(self.outlook.counts, orient="index")

    @property
    def seconds(self) -> float:
        """What all stacks that are left should take, one after the other."""
        return self.outlook.ahead.seconds

    @property
    def _lines(self) -> list[str]:
        stacks = len(self.outlook.plan.stacks)
        lines = describe_ahead(self.outlook.ahead, stacks) if stacks else ["nothing to run"]
        return [*lines, describe_taken(self.outlook)] if self.outlook.taken else lines

    def __repr__(self) -> str:
        return "\n".join([str(self.units), *self._lines])

    def _repr_html_(self) -> str:
        return f"{self.units.to_html()}{paragraphs(self._lines)}"


@dataclass(frozen=True)
class Finished:
    """How a run ended; `run` has all that is known."""

    run: Run

    @property
    def complete(self) -> bool:
        """Whether there is all that the sweep is for."""
        return self.run.complete

    @property
    def headline(self) -> tuple[str, ...]:
        """What was found."""
        return self._closing.headline

    @property
    def best(self) -> pd.DataFrame:
        """The best source of each target, in words."""
        return pd.DataFrame(self._closing.best, columns=list(BestRow._fields))

    @property
    def page(self) -> str | None:
        """Where the report is."""
        return self.run.page

    @property
    def failures(self) -> pd.DataFrame:
        """Units that failed, and why."""
        units, failed = self.run.plan.units, self.run.summary.failed
        rows = [(key, units[key].title, error) for key, error in failed.items()]
        return pd.DataFrame(rows, columns=["key", "unit", "error"])

    @property
    def _lines(self) -> list[str]:
        cells, interrupted = self.run.cells, self.run.summary.interrupted
        lines = [f"{cells['done']} of {cells['total']} cells done, {len(self.run.summary.new)} new results"]
        if interrupted is not None:
            lines.append(f"ended early: {interrupted}; run() continues")
        return [*lines, *self.headline, *self._closing.notes]

    @property
    def _closing(self) -> Closing:
        return Closing(self.run, Commands(again="run()", track="panda-ray track", ui="panda-ray ui"))

    def __repr__(self) -> str:
        return "\n".join([*self._lines, *(f"failed: {each.unit}: {each.error}" for each in self.failures.itertuples())])

    def _repr_html_(self) -> str:
        tables = "".join(each.to_html(index=False) for each in (self.best, self.failures) if len(each))
        return f"{paragraphs(self._lines)}{tables}"


@dataclass(frozen=True)
class Ranked:
    """Sources of a task, the most similar first; `recommendation` has all that is known."""

    recommendation: Recommendation

    @property
    def frame(self) -> pd.DataFrame:
        """Similarity, predicted gain over prompt tuning in points with its 90 % interval, and the measured gain."""
        rows = []
        for each in self.recommendation.sources:
            said = each.predicted
            predicted = (None, None, None) if said is None else (said.gain, said.low, said.high)
            rows.append((each.source, each.similarity, *predicted, each.measured))
        columns = ["source", "similarity", "gain", "low", "high", "measured"]
        return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], float))

    @property
    def best(self) -> str:
        """The first source."""
        return self.recommendation.sources[0].source

    def __repr__(self) -> str:
        found = self.recommendation
        return "\n".join([*describe_recommended(found), str(self.frame), *describe_evidence(found)])

    def _repr_html_(self) -> str:
        points = dict.fromkeys(("gain", "low", "high", "measured"), "{:+.1f}".format)
        table = self.frame.to_html(index=False, formatters={"similarity": "{:.3f}".format, **points}, na_rep="")
        found = self.recommendation
        return f"{paragraphs(describe_recommended(found))}{table}{paragraphs(describe_evidence(found))}"


class Figures(Mapping[str, Drawing]):
    """Figures by name; a notebook shows all of them with their captions."""

    def __init__(self, drawings: Mapping[str, Drawing]) -> None:
        self._drawings = drawings

    def __getitem__(self, name: str) -> Drawing:
        return self._drawings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._drawings)

    def __len__(self) -> int:
        return len(self._drawings)

    def __repr__(self) -> str:
        return f"<Figures: {', '.join(self)}>"

    def _repr_html_(self) -> str:
        return "".join(
            f"<figure>{drawing.svg}<figcaption>{escape(drawing.caption)}</figcaption></figure>"
            for drawing in self.values()
        )


def details(title: str, html: str) -> str:
    """What is read by whoever asks for it."""
    return f"<details><summary>{escape(title)}</summary>{html}</details>"


def paragraphs(lines: Sequence[str]) -> str:
    """Lines as HTML."""
    return "".join(f"<p>{escape(line)}</p>" for line in lines)
