"""Where a sweep stands at one moment: what a driver writes to MLflow, and whoever sees MLflow alone reads.

Each summary run has its backbone's part in `progress.json`, which the next one replaces. Clocks are not compared here:
`written_at` is the driver's, and a reader asks the server for its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.states import STATES, State, stages

_LETTERS: Mapping[State, str] = {
    "done": "d",
    "running": "r",
    "failed": "f",
    "blocked": "b",
    "stopped": "s",
    "waiting": "w",
}
"""One per cell: the states of a million cells are a megabyte, their keys would be 64."""

_STATES = {letter: state for state, letter in _LETTERS.items()}
assert _LETTERS.keys() == set(STATES)


@dataclass(frozen=True)
class RunningStack:
    """A stack that runs, or is about to.

    Attributes:
        seconds: since it started, the last time if it did several times.
        epoch: the last one that ended; 0 before the first.
        epochs: how many there are; 0 before the first has ended.
        hosts: the machines that it runs on; none before the first has ended.
    """

    backbone: str
    title: str
    seconds: float
    epoch: int = 0
    epochs: int = 0
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackboneStates:
    """The units and cells of one backbone.

    Attributes:
        stages: how many units are in each state, by stage.
        cells: the state of every cell, in the order of the plan.
    """

    stages: Mapping[str, Mapping[State, int]]
    cells: tuple[State, ...]

    @classmethod
    def of(cls, plan: Plan, states: Mapping[str, State], backbone: str) -> BackboneStates:
        """What a plan has of a backbone, with the states of its units."""
        own = {key: state for key, state in states.items() if plan.units[key].backbone.name == backbone}
        counted = {name: dict(counts) for name, counts in stages(plan, own).items()}
        return cls(counted, tuple(states[cell.key] for cell in plan.cells if cell.backbone == backbone))


@dataclass(frozen=True)
class Snapshot:
    """A whole sweep, or one backbone of it.

    Attributes:
        written_at: seconds since 1970 on the driver's clock.
        elapsed: seconds since its first stack started.
        eta: seconds until all that is known is done; None before anything is known of the speed.
        lost_workers: how often a stack started again because its worker died.
        warnings: what keeps the run from going on, in sentences.
    """

    backbones: Mapping[str, BackboneStates]
    written_at: float
    elapsed: float = 0.0
    eta: float | None = None
    stacks: tuple[RunningStack, ...] = ()
    lost_workers: int = 0
    warnings: tuple[str, ...] = field(default=())

    def to_json(self, backbone: str) -> bytes:
        """The part of one backbone; times and losses are of the whole run."""
        part = self.backbones[backbone]
        said: dict[str, Any] = {
            "written_at": self.written_at,
            "elapsed": round(self.elapsed, 1),
            "eta": None if self.eta is None else round(self.eta, 1),
            "stages": part.stages,
            "cells": "".join(_LETTERS[state] for state in part.cells),
            "stacks": [asdict(stack) for stack in self.stacks if stack.backbone == backbone],
            "lost_workers": self.lost_workers,
            "warnings": list(self.warnings),
        }
        return json.dumps(said).encode()

    @classmethod
    def from_json(cls, data: bytes, backbone: str) -> Snapshot:
        """What `to_json` wrote.

        Raises:
            ValueError: it is something else, or half of it.
        """
        try:
            said = json.loads(data)
            return cls(
                backbones={
                    backbone: BackboneStates(said["stages"], tuple(_STATES[letter] for letter in said["cells"]))
                },
                written_at=float(said["written_at"]),
                elapsed=float(said["elapsed"]),
                eta=None if said["eta"] is None else float(said["eta"]),
                stacks=tuple(RunningStack(**{**stack, "hosts": (*stack["hosts"],)}) for stack in said["stacks"]),
                lost_workers=int(said["lost_workers"]),
                warnings=tuple(map(str, said["warnings"])),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no progress of a sweep: {error!r}") from error


def joined(parts: Mapping[str, Snapshot]) -> Snapshot | None:
    """The snapshots of several backbones as one; times are those of the one that was written last."""
    if not parts:
        return None
    latest = max(parts.values(), key=lambda part: part.written_at)
    return Snapshot(
        backbones={name: states for part in parts.values() for name, states in part.backbones.items()},
        written_at=latest.written_at,
        elapsed=latest.elapsed,
        eta=latest.eta,
        stacks=tuple(stack for part in parts.values() for stack in part.stacks),
        lost_workers=latest.lost_workers,
        warnings=latest.warnings,
    )
