"""What Ray's control service knows of a worker, which is one of its actors: by its id, also when it is no more."""

from __future__ import annotations

import ray
from ray._private.state import state as cluster_state
from ray.core.generated.common_pb2 import ActorDiedErrorContext  # type: ignore[attr-defined]

_WORKER_DIED = ActorDiedErrorContext.Reason.Value("WORKER_DIED")


def this_worker() -> str:
    """The id of the actor that this is run in."""
    worker = ray.get_runtime_context().get_actor_id()
    assert worker is not None, "stacks are trained in actors"
    return worker


def node_of(worker: str) -> str | None:
    """The id of the node on which a worker is or was; None where it never came to one."""
    node: str = cluster_state.actor_table(worker).get("Address", {}).get("NodeID", "")
    return node if node.strip("f") else None


def died_alone(worker: str) -> bool:
    """Whether a worker's own process died: Ray did not end it, and its node stayed at the time."""
    cause = cluster_state.actor_table(worker).get("DeathCause")
    context = cause.WhichOneof("context") if cause is not None else None
    if context == "actor_died_error_context":
        return bool(cause.actor_died_error_context.reason == _WORKER_DIED)
    return context == "oom_context"
