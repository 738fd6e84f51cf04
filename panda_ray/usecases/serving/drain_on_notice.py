"""A worker's end, told to Ray as soon as the cloud tells the machine: its stacks save and go on elsewhere."""

from __future__ import annotations

import time

from panda_ray.clusters.notices import Notices, wait_for_notice
from panda_ray.errors import InputError
from panda_ray.usecases.engine import check_engine

_PAUSE_SECONDS = 1.0
"""Between attempts to drain, which the end of the machine alone makes useless."""


def drain_on_notice(notices: Notices) -> float | None:
    """Wait for the notice that concerns this machine and drain its nodes.

    Returns:
        seconds that the machine had left when Ray had taken it; None where the nodes ended without a notice.

    Raises:
        InputError: Ray is not installed, this machine is no worker of a cluster, or Ray took nothing until the end.
    """
    check_engine("Draining a node", "ray")
    from panda_ray.execution.runners.ray_leaving.nodes_here import NodesHere

    nodes = NodesHere()
    deadline = wait_for_notice(notices, nodes.are_gone)
    if deadline is None:
        return None
    while True:
        try:
            nodes.drain(deadline, f"{notices.cloud} takes this machine back")
        except InputError:
            if time.time() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return deadline - time.time()
