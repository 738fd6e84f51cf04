"""A Ray on this machine, started with no more processes than a run of ours uses.

Ray starts a scaler, an interface and a reader of logs with every cluster, also where nothing can be scaled, nobody may
look and logs stay where they are. They are Python programs that start one after another, ahead of the first worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ray._private import parameter, services
from ray._private import utils as ray_utils


@contextmanager
def few_processes() -> Iterator[None]:
    """What is started while the context lasts has no autoscaler, no log monitor and no API server, and a small agent.

    The agent of a node is the one that Ray has where it is installed without its dashboard.
    """
    parameters, server, missing = (
        parameter.RayParams,
        services.start_api_server,
        ray_utils.get_dashboard_dependency_error,
    )
    parameter.RayParams = partial(parameters, no_monitor=True, include_log_monitor=False)  # type: ignore[misc, assignment, arg-type]
    services.start_api_server = _no_server
    ray_utils.get_dashboard_dependency_error = _no_dashboard
    try:
        yield
    finally:
        parameter.RayParams = parameters  # type: ignore[misc]
        services.start_api_server, ray_utils.get_dashboard_dependency_error = server, missing


def _no_server(*_arguments: Any, **_named: Any) -> tuple[str, None]:
    """In the place of what starts one: its address and its process."""
    return "", None


def _no_dashboard() -> ImportError:
    """In the place of what looks for the dashboard's packages."""
    return ImportError("a local Ray has no dashboard")
