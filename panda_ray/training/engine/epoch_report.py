"""What a stack says of itself while it trains.

Whoever runs the engine hears it; it stops members by its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """What a machine did at one moment.

    Attributes:
        time: seconds since 1970, on the machine's clock.
        values: by the names that MLflow gives such numbers, in the units that those say.
    """

    time: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class EpochReport:
    """What a stack says after each epoch.

    Attributes:
        losses: mean training loss of the epoch's steps, by the names of the members that it was trained with.
        scores: on the whole dev set, in percent, by the names of those that did not diverge.
        selecting: by the same names, the scores by which the protocol selects: those, or on the selecting half.
        examples_per_second: training examples of all members together, since training started or was resumed,
            evaluation included.
        seconds: since then.
        hosts: the machines that train it, that of rank 0 first, as whoever runs the engine says.
        usage: of that of rank 0 since the report before, where somebody wants to know.
    """

    epoch: int
    epochs: int
    losses: Mapping[str, float]
    scores: Mapping[str, float]
    selecting: Mapping[str, float]
    examples_per_second: float
    seconds: float
    hosts: tuple[str, ...] = ()
    usage: tuple[Usage, ...] = ()


OnEpoch = Callable[[EpochReport], Collection[str] | None]
"""Hears of each epoch; gives the names of the members that stop there, or None."""
