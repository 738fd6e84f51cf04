"""This machine's nodes of a Ray cluster, for a program beside them that hears that the machine will go."""

from __future__ import annotations

from ray._private import services
from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.core.generated import autoscaler_pb2
from ray.exceptions import RayError

from panda_ray.errors import InputError

_ANSWER_SECONDS = 5.0
_PREEMPTION = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")  # type: ignore[attr-defined]
_TROUBLE = (RayError, ConnectionError, RuntimeError)


class NodesHere:
    """The workers among the nodes that run here now; a head is none, because it runs on no machine that may go.

    Raises:
        InputError: this machine is no worker of a cluster, or Ray's control service does not answer.
    """

    def __init__(self) -> None:
        maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
        try:
            address = services.canonicalize_bootstrap_address("auto")
            self._client = GcsClient(address=address)
            alive = self._alive()
        except _TROUBLE as error:
            raise InputError(f"no Ray cluster answers this machine: {' '.join(str(error).split())[:200]}") from error
        self._ids = alive.intersection(services.find_node_ids())  # type: ignore[no-untyped-call]
        if not self._ids:
            raise InputError("this machine is no worker of a Ray cluster; start it with `ray start --address` first")

    def are_gone(self) -> bool:
        """Whether Ray takes all of them for gone; one that does not answer says nothing."""
        try:
            return self._ids.isdisjoint(self._alive())
        except _TROUBLE:
            return False

    def drain(self, deadline: float, why: str) -> None:
        """Say that the machine goes: nothing starts on it any more, and its stacks save and go on elsewhere.

        Args:
            deadline: when (seconds since 1970).

        Raises:
            InputError: Ray did not take it, for now.
        """
        for node in sorted(self._ids):
            try:
                accepted, refusal = self._client.drain_node(node, _PREEMPTION, why, int(deadline * 1000))
            except _TROUBLE as error:
                raise InputError(f"Ray does not answer: {' '.join(str(error).split())[:200]}") from error
            if not accepted:
                raise InputError(f"Ray refuses to drain node {node}: {refusal}")

    def _alive(self) -> set[str]:
        found = self._client.get_all_node_info(timeout=_ANSWER_SECONDS)
        alive = (node for node, info in found.items() if info.state == info.ALIVE and not info.is_head_node)
        return {node.hex() for node in alive}
