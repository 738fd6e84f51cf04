"""What is known of a study, as plain data: for those who read it without Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from panda_ray.search.space import Point
from panda_ray.sweep import sources_text

TrialState = Literal["running", "done", "pruned", "failed"]


class Address(NamedTuple):
    """What one study searches for.

    Attributes:
        method: label of the method in the sweep file.
        sources: donor tasks; none for a method without transfer.
    """

    backbone: str
    method: str
    sources: tuple[str, ...]
    target: str

    @property
    def title(self) -> str:
        """For people: `bert-base panda mnli -> cb`."""
        transfer = f"{sources_text(self.sources)} -> {self.target}" if self.sources else self.target
        return f"{self.backbone} {self.method} {transfer}"


@dataclass(frozen=True)
class Trial:
    """A point that a study has asked for.

    Attributes:
        number: its place in the study's storage, by which it is told of; it identifies nothing.
        value: mean over seeds of the score that the protocol selects by, in percent; None unless `done`.
        reported: mean scores of the epochs that a pruner has heard of, by epoch.
        error: one sentence on a `failed` one.
        repeats: the point was asked for before, and this trial was told what that one gave.
    """

    number: int
    point: Point
    state: TrialState
    value: float | None = None
    reported: Mapping[int, float] = field(default_factory=dict)
    error: str | None = None
    repeats: bool = False


@dataclass(frozen=True)
class WarmPoint:
    """What a study may begin with: the best point of a finished study of another task.

    Attributes:
        similarity: of the two tasks, in [-1, 1].
    """

    task: str
    similarity: float
    point: Point


@dataclass(frozen=True)
class StudyStanding:
    """How one study stands.

    Attributes:
        trials: in the order in which they were asked for, without those that repeat a point.
        wanted: distinct points that it is to ask for; None where it has not begun and nobody can say.
        ended: why it ended before that, or None.
        warm: what it began with, of the most similar task first.
    """

    address: Address
    trials: tuple[Trial, ...]
    wanted: int
    ended: str | None = None
    warm: tuple[WarmPoint, ...] = ()

    @property
    def best(self) -> Trial | None:
        """The trial of the highest value, the first of several; None before any is done."""
        done = [trial for trial in self.trials if trial.value is not None]
        return max(done, key=lambda trial: trial.value or 0.0, default=None)

    @property
    def complete(self) -> bool:
        """Nothing more is asked for, and every trial has ended."""
        asked = self.ended is not None or len(self.trials) >= self.wanted
        return asked and self.count("running") == 0

    def count(self, state: TrialState) -> int:
        """Trials in a state."""
        return sum(trial.state == state for trial in self.trials)
