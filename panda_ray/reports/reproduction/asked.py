"""What a table asks of its numbers, printed ones or a study's, and the averages that follow from them.

Names are ours: a backbone of the registry, the label of a method or metric as the sweeps of the paper have it, tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from panda_ray.reports.numbers.gains import COLLAPSED
from panda_ray.reports.numbers.tables import other_sources, top_sources
from panda_ray.reports.reproduction.value import Value, best_of, mean_of

COLLAPSED_NOTE = "Collapsed: cells more than 10 points below prompt tuning (P-tuning v2), of all that a row is over."

ORACLE = "oracle"
"""What the row of the best source per target is called."""


Quantity = Literal["seconds", "parameters", "memory"]


@dataclass(frozen=True)
class Answer:
    """What a cell said of one dev item, in words.

    Attributes:
        text: what was asked; "" where nobody may pass it on, or it is not at hand.
    """

    text: str
    truth: str
    said: str


class Numbers(Protocol):
    """The paper's numbers, or those of a study."""

    def score(self, backbone: str, method: str, sources: str, target: str) -> Value | None:
        """Of one cell, in percent; `sources` is "" without transfer and `a+b` for several."""
        ...

    def first_epoch(self, backbone: str, method: str, sources: str, target: str) -> Value | None:
        """The cell's score after its first epoch, in percent."""
        ...

    def similarity(self, backbone: str, metric: str, source: str, target: str) -> Value | None:
        """Predicted transferability of a pair."""
        ...

    def cost(self, quantity: Quantity, backbone: str, method: str, sources: str, target: str) -> Value | None:
        """What a cell took with everything that it depends on: seconds, millions of trained parameters, or the largest
        memory in GiB."""
        ...

    def answers(self, backbone: str, method: str, sources: str, target: str) -> Mapping[int, Sequence[Answer]]:
        """By seed, what a cell said of every dev item; empty where that is not known."""
        ...

    def interval(self, backbones: Sequence[str], method: str, reference: str) -> tuple[float, float] | None:
        """95 % interval of the mean gain of a method over another on all of some backbones, in points; None where dev
        items are not known."""
        ...

    def stated(self, *name: str) -> Value | None:
        """A number that is known without those that it is computed from; the last name says what it is over, if it is
        a mean."""
        ...

    def erratum(self, where: str, method: str, row: str, column: str) -> str:
        """What is odd about a printed number that is computed here; "" where nothing is.

        Args:
            where: the backbone of a grid, or the id of another table.
            row: the source, with more where the table has; `ORACLE`; "" without transfer.
            column: "avg" or "gain".
        """
        ...


@dataclass(frozen=True)
class Axes:
    """What the rows and columns of a table run over.

    Attributes:
        together: sources of one training, `a+b`; "" where there is none.
        metrics: labels of those that the sweep lists.
        groups: of every source and target.
    """

    backbones: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    together: str = ""
    metrics: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)


def average(numbers: Numbers, backbone: str, method: str, sources: str, targets: Sequence[str]) -> Value | None:
    """Of a row over its targets; the stated one where its cells are not known."""
    computed = mean_of(numbers.score(backbone, method, sources, target) for target in targets)
    return computed or numbers.stated("average", backbone, method, sources, over(targets))


def over(tasks: Sequence[str]) -> str:
    """Tasks as one name."""
    return "+".join(tasks)


def oracle(numbers: Numbers, backbone: str, method: str, sources: Sequence[str], target: str) -> Value | None:
    """The best single source of a target, itself left out."""
    return best_of(numbers.score(backbone, method, source, target) for source in other_sources(sources, target))


def top_three(
    numbers: Numbers, backbone: str, method: str, metric: str, sources: Sequence[str], target: str
) -> Value | None:
    """The best of the three sources that a metric ranks highest; the stated one where no ranking is known."""
    known = {source: numbers.similarity(backbone, metric, source, target) for source in sources}
    ranking = {(source, target): value.mean for source, value in known.items() if value is not None}
    if not ranking:
        return numbers.stated("top3", backbone, method, metric, target)
    return best_of(numbers.score(backbone, method, source, target) for source in top_sources(ranking, sources, target))


def collapsed(cells: Sequence[Value | None], baseline: Sequence[Value | None]) -> str:
    """How many of a row's cells lie more than 10 points below prompt tuning, `2/9`; "" where none can be compared."""
    pairs = [(cell.mean, base.mean) for cell, base in zip(cells, baseline, strict=True) if cell and base]
    return f"{sum(cell < base - COLLAPSED for cell, base in pairs)}/{len(pairs)}" if pairs else ""


def collapsed_of(
    numbers: Numbers, backbones: Sequence[str], method: str, sources: Sequence[str], targets: Sequence[str]
) -> str:
    """Likewise of all cells of a method from some sources."""
    places = [(backbone, source, target) for backbone in backbones for source in sources for target in targets]
    cells = [numbers.score(backbone, method, source, target) for backbone, source, target in places]
    return collapsed(cells, [numbers.score(backbone, "prompt_tuning", "", target) for backbone, _, target in places])
