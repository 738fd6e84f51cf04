"""Why a group of workers ended without a result: an error of one of them, or a loss that a new group helps against.

A loss is said in one sentence, with the host where Ray knows it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import ray
import torch
from ray.exceptions import RayActorError
from ray.train import ControllerError, TrainingFailedError, WorkerGroupError
from ray.train.v2._internal.exceptions import (
    WorkerGroupStartupFailedError,
    WorkerGroupStartupTimeoutError,
    WorkerHealthCheckTimeoutError,
)

from panda_ray.errors import InputError
from panda_ray.execution.runners.ray_leaving.nodes import draining
from panda_ray.execution.work.host import plain_host
from panda_ray.training.engine.collective import LostPeerError
from panda_ray.training.engine.halting import HaltedError

_ADDRESS = re.compile(r"^\s*ip: (\S+)$", re.MULTILINE)
"""Where a message of Ray's says on which node an actor ran."""


class Place(NamedTuple):
    """Where a worker is: the name of its host, the id of its node, and its own."""

    host: str
    node: str
    worker: str


class WorkersLostError(Exception):
    """Workers died without an error of their own; others can continue from the stack's checkpoint.

    Attributes:
        workers: ids of those who died; of all where nobody knows who did.
    """

    def __init__(self, reason: str, workers: Collection[str] = ()) -> None:
        super().__init__(reason)
        self.workers = frozenset(workers)


class UnreachableError(Exception):
    """The workers of a group started, and could not connect to each other."""


class NoRoomError(Exception):
    """There is no room for all workers of a group."""


def cause(error: TrainingFailedError | RayActorError, places: Sequence[Place] = ()) -> Exception:
    """What a group failed of: one worker's error is the reason why others lost it, or were stopped.

    Args:
        places: of the workers, by rank; none where they had not started.
    """
    if isinstance(error, RayActorError):
        return WorkersLostError(f"the process that leads its workers{_on([error])} died")
    if isinstance(error, WorkerGroupError):
        return _cause_of_workers(error, places)
    failure = error.controller_failure if isinstance(error, ControllerError) else None
    if isinstance(failure, WorkerGroupStartupTimeoutError):
        return NoRoomError("there is no room for all of its workers")
    if isinstance(failure, (WorkerGroupStartupFailedError, RayActorError)):
        return WorkersLostError(f"a worker{_on([failure, failure.__cause__])} died while it started")
    return failure if isinstance(failure, UnreachableError) else error


def _cause_of_workers(error: WorkerGroupError, places: Sequence[Place]) -> Exception:
    failures = list(error.worker_failures.values())
    for failure in failures:
        if isinstance(failure, (InputError, torch.OutOfMemoryError)):
            return failure
    if any(isinstance(failure, HaltedError) for failure in failures):
        leaving = draining()
        return HaltedError(
            f"a node of its workers{_named([place.host for place in places if place.node in leaving])} is going away"
        )
    if all(isinstance(failure, LostPeerError) or _is_rays(failure) for failure in failures):
        return _loss(error.worker_failures, places)
    bugs = (failure for failure in failures if not isinstance(failure, LostPeerError))
    for note in dict.fromkeys(note for bug in bugs for note in getattr(bug, "__notes__", ())):
        error.add_note(note)
    return error


def _loss(failures: Mapping[int, Exception], places: Sequence[Place]) -> WorkersLostError:
    """Those are gone of whom Ray says so; until it does, those who do not complain of a lost peer."""
    said = [rank for rank, failure in failures.items() if not isinstance(failure, LostPeerError)]
    ranks = said or [rank for rank in range(len(places)) if rank not in failures]
    gone = [places[rank] for rank in ranks if rank < len(places)]
    hosts, workers = [place.host for place in gone or places], [place.worker for place in gone or places]
    if places and not gone:
        return WorkersLostError(f"workers lost each other{_named(hosts)}", workers)
    is_silent = any(isinstance(failure, WorkerHealthCheckTimeoutError) for failure in failures.values())
    return WorkersLostError(f"a worker{_named(hosts)} {'does not answer' if is_silent else 'died'}", workers)


def _is_rays(failure: Exception) -> bool:
    """Ray's own errors say that a worker cannot be reached."""
    return type(failure).__module__.startswith("ray.")


def _on(errors: Collection[BaseException | None]) -> str:
    """ " on " and the hosts of the actors that these errors tell of; nothing where none is told."""
    addresses = [found[1] for error in errors if error is not None and (found := _ADDRESS.search(str(error)))]
    return _named([host_at(address) for address in addresses])


def _named(hosts: Sequence[str]) -> str:
    return f" on {' and '.join(dict.fromkeys(hosts))}" if hosts else ""


def host_at(address: str) -> str:
    """The name of the node that Ray knows, or knew, by an address; the address itself where it knows none."""
    nodes: list[dict[str, str]] = ray.nodes()  # type: ignore[no-untyped-call]
    names = (node["NodeManagerHostname"] for node in nodes if node["NodeManagerAddress"] == address)
    return plain_host(next(names, address))
