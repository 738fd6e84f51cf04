"""How wide stacks may be on the devices that have been tried: what did not fit into memory is not tried again.

Memory depends on the backbone, the task's texts, what is trained, the batch size, the lengths, the precision, and on
how many workers share a step: together they are the *footprint* of a stack. It also depends on the *placement* that a
sweep's resources ask for; limits are known of each alone. Each width that was tried has a file of its own, so that
workers never write over each other:

    limits/<footprint and placement>/<width>.json     whether it fitted, on which device, when

A store that moves to larger devices forgets its limits when `limits/` is removed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from panda_ray.execution.store.files.files import Files
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


@dataclass(frozen=True)
class Placement:
    """What resources do about memory.

    Attributes:
        gpus: that the layers of a backbone are spread over.
        activation_checkpointing: layers are computed once more instead of being kept.
    """

    gpus: int
    activation_checkpointing: bool


PLAIN = Placement(gpus=1, activation_checkpointing=False)
"""Unless resources say otherwise."""


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
    """The limits of a store, under one placement."""

    def __init__(self, files: Files, placement: Placement = PLAIN) -> None:  # it is frozen
        self._files, self._placement = files, placement

    def on(self, placement: Placement) -> Limits:
        """Those under another one."""
        return Limits(self._files, placement)

    def write(self, footprint: Footprint, width: int, fits: bool, device: str) -> None:
        """Remember whether a width fitted, in place of what was known of it.

        Raises:
            StoreFullError: when there is no room.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        trial = Trial(width, fits, device, at)
        tried = {"footprint": asdict(footprint), "placement": asdict(self._placement), "trial": asdict(trial)}
        self._files.write(f"{self._folder(footprint)}/{width}.json", json.dumps(tried, indent=1).encode())

    def of(self, footprint: Footprint) -> Limit | None:
        """The limit of one footprint, or None where nothing failed."""
        return self._below(self._folder(footprint)).get(footprint)

    def all(self) -> dict[Footprint, Limit]:
        """Every limit under this placement."""
        return self._below("limits")

    def _folder(self, footprint: Footprint) -> str:
        return f"limits/{digest({'footprint': footprint, 'placement': self._placement})[:32]}"

    def _below(self, folder: str) -> dict[Footprint, Limit]:
        trials: dict[Footprint, list[Trial]] = defaultdict(list)
        for _, data in self._files.read_many(self._files.states(folder)):
            found = _tried(data)
            if found is not None and found[1] == self._placement:
                trials[found[0]].append(found[2])
        limits = (_limit(footprint, tried) for footprint, tried in trials.items())
        return {limit.footprint: limit for limit in limits if limit is not None}


def _tried(data: bytes | None) -> tuple[Footprint, Placement, Trial] | None:
    """What a file says, or None if it says nothing of a width."""
    said = parse(data or b"")
    try:
        tried = Footprint(**said["footprint"]), Placement(**said["placement"]), Trial(**said["trial"])
    except (TypeError, KeyError):
        return None
    right = all(type(getattr(one, each.name)).__name__ == each.type for one in tried for each in fields(one))
    return tried if right and tried[2].width > 0 else None


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
