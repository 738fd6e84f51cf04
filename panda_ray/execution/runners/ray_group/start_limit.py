"""How long the workers of a group may take to start and to connect.

Train bounds the wait for their slots and no other. A host that goes between that and their start leaves a worker that
Ray keeps for when there is room again, and whoever leads the group waits for it; workers whose network lets nothing
through wait for each other half an hour.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray._private.state import state as cluster_state
from ray._private.worker import global_worker
from ray._raylet import ActorID, PlacementGroupID
from ray.core.generated.gcs_pb2 import ActorTableData, PlacementGroupTableData  # type: ignore[attr-defined]
from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_put
from ray.train.v2._internal.execution.callback import WorkerGroupCallback
from ray.util.placement_group import PlacementGroup, remove_placement_group

from panda_ray.execution.runners.ray_leaving.workers import this_worker

_AGAIN_SECONDS = 1.0
"""Between two tries to end what is late."""


class StartLimit(WorkerGroupCallback):
    """In the process that leads a group: takes the workers' slots away, and so ends them, once the time is over.

    Args:
        group: its id, by which `was_late` knows it.
        seconds: from when slots are asked for until all workers are connected.
    """

    def __init__(self, group: str, seconds: float) -> None:
        self._group = group
        self._seconds = seconds

    @contextmanager
    def on_worker_group_start(self) -> Iterator[None]:
        started = threading.Event()
        threading.Thread(target=self._watch, args=[started], name="start limit", daemon=True).start()
        try:
            yield
        finally:
            started.set()

    def _watch(self, started: threading.Event) -> None:
        if started.wait(self._seconds):
            return
        _internal_kv_put(_key(self._group), b"")
        process: Any = global_worker
        while not started.is_set():
            for slots in _slots_of(this_worker()):
                remove_placement_group(slots)
            for late in _owned_by(ray.get_runtime_context().get_worker_id()):  # one that came to no slots waits on
                process.core_worker.kill_actor(late, True)
            started.wait(_AGAIN_SECONDS)


def _slots_of(worker: str) -> list[PlacementGroup]:
    """What an actor has asked for that Ray has not forgotten."""
    table = cluster_state._connect_and_get_accessor().get_placement_group_table()
    groups = map(PlacementGroupTableData.FromString, table)
    theirs = (group for group in groups if group.creator_actor_id.hex() == worker)
    return [PlacementGroup(PlacementGroupID(group.placement_group_id)) for group in theirs]


def _owned_by(process: str) -> list[ActorID]:
    """Actors that a process has started and that are not dead."""
    table = map(ActorTableData.FromString, cluster_state._connect_and_get_accessor().get_actor_table(None, None))
    theirs = (actor for actor in table if actor.owner_address.worker_id.hex() == process)
    return [ActorID(actor.actor_id) for actor in theirs if actor.state != ActorTableData.DEAD]


def was_late(group: str) -> bool:
    """Whether a group that has ended did so because it took too long to start."""
    return _internal_kv_get(_key(group)) is not None


def forget_lateness(group: str) -> None:
    """Leave nothing of a group that has ended."""
    _internal_kv_del(_key(group))


def _key(group: str) -> bytes:
    return f"panda_ray/group/{group}/late".encode()
