"""How wide stacks may be on the devices that have been tried: what did not fit into memory is not tried again.

Memory depends on the backbone, the task's texts, what is trained, the batch size, the lengths, the precision, and on
how many workers share a step: together they are the *footprint* of a stack. Each width that was tried has a file of its
own, so that workers never write over each other:

    limits/<footprint>/<width>.json     whether it fitted, on which device, when

A store that moves to larger devices forgets its limits when `limits/` is removed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from panda_ray.execution.store.files import Files
from panda_ray.execution.store.sealed import parse
from panda_ray.execution.units.canonical import digest


@dataclass(frozen=True)
class Footprint:
    """What the memory of a stack depends on besides its width."""

    backbone: str
    identity: str
    task: str
    trained: str
    batch_size: int
    prompt_len: int
    max_len: int
    precision: str
    workers: int

    @property
    def id(self) -> str:
        return digest(self)[:32]


@dataclass(frozen=True)
class Trial:
    """A width that was tried.

    Attributes:
        at: time in UTC, ISO 8601.
    """

    width: int
    fits: bool
    device: str
    at: str


@dataclass(frozen=True)
class Limit:
    """How wide the stacks of a footprint may be.

    Attributes:
        width: the widest that fitted, or half of `failed` where none did yet.
        confirmed: whether that width fitted.
        failed: the narrowest that did not fit.
        device, at: where and when it did not.
    """

    footprint: Footprint
    width: int
    confirmed: bool
    failed: int
    device: str
    at: str


class Limits:
    """The limits of a store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def write(self, footprint: Footprint, width: int, fits: bool, device: str) -> None:
        """Remember whether a width fitted, in place of what was known of it.

        Raises:
            StoreFullError: when there is no room.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        tried = {"footprint": asdict(footprint), "trial": asdict(Trial(width, fits, device, at))}
        self._files.write(f"limits/{footprint.id}/{width}.json", json.dumps(tried, indent=1).encode())

    def of(self, footprint: Footprint) -> Limit | None:
        """The limit of one footprint, or None where nothing failed."""
        return self._below(f"limits/{footprint.id}").get(footprint)

    def all(self) -> dict[Footprint, Limit]:
        """Every limit of the store."""
        return self._below("limits")

    def _below(self, folder: str) -> dict[Footprint, Limit]:
        trials: dict[Footprint, list[Trial]] = defaultdict(list)
        for _, data in self._files.read_many(self._files.states(folder)):
            if (found := _tried(data)) is not None:
                trials[found[0]].append(found[1])
        limits = (_limit(footprint, tried) for footprint, tried in trials.items())
        return {limit.footprint: limit for limit in limits if limit is not None}


def _tried(data: bytes | None) -> tuple[Footprint, Trial] | None:
    """What a file says, or None if it says nothing of a width."""
    said = parse(data or b"")
    try:
        footprint, trial = Footprint(**said["footprint"]), Trial(**said["trial"])
    except (TypeError, KeyError):
        return None
    values = [(footprint, each) for each in fields(footprint)] + [(trial, each) for each in fields(trial)]
    right = all(type(getattr(one, each.name)).__name__ == each.type for one, each in values)
    return (footprint, trial) if right and trial.width > 0 else None


def _limit(footprint: Footprint, trials: Sequence[Trial]) -> Limit | None:
    """What the trials of one footprint say; widths that fitted count below the narrowest that did not."""
    failed = min((trial for trial in trials if not trial.fits), key=lambda trial: trial.width, default=None)
    if failed is None:
        return None
    fitted = max((trial.width for trial in trials if trial.fits and trial.width < failed.width), default=0)
    return Limit(
        footprint=footprint,
        width=fitted or max(1, failed.width - failed.width // 2),
        confirmed=fitted > 0,
        failed=failed.width,
        device=failed.device,
        at=failed.at,
    )
