"""The Ray cluster that a run uses: one started on this machine for the run, or one that exists already.

A local cluster has no dashboard and its own temporary folder, so that it disturbs no other. Ray's authentication and
everything else about an existing cluster are left as they are.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray

from panda_ray.errors import InputError
from panda_ray.execution.workspace import Settings

_OBJECT_STORE_BYTES = 200 << 20
"""Results go through the panda_ray store; Ray's object store holds little more than the settings."""

_DRIVER_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends the run at once: the store is what a run continues from
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000000",
    "TUNE_RESULT_BUFFER_LENGTH": "0",
}


@contextmanager
def ray_cluster(address: str | None, settings: Settings) -> Iterator[None]:
    """Connected to a cluster while the context lasts; a connection that exists already is used and kept.

    Args:
        address: of a running cluster ("auto", "host:6379", "ray://..."); None starts one on this machine.
    """
    with environment(_DRIVER_ENVIRONMENT | (_threads(settings) if address is None else {})):
        if ray.is_initialized():
            yield
            return
        temporary = tempfile.mkdtemp(prefix="panda-ray-", dir="/tmp" if Path("/tmp").is_dir() else None)
        try:
            ray.init(**_arguments(address, temporary, settings))
            yield
        finally:
            ray.shutdown()
            shutil.rmtree(temporary, ignore_errors=True)


def parallel_stacks(cpus: float, gpus: float) -> int:
    """How many stacks of this size the nodes that are up can run at a time."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return sum(
        int(min(node.get("CPU", 0) / cpus, node.get("GPU", 0) / gpus if gpus else float("inf"))) for node in nodes
    )


def check_resources(cpus: float, gpus: float) -> None:
    """Refuse a stack that a cluster of fixed size cannot hold; Ray would wait for ever.

    Raises:
        InputError: with what there is.
    """
    if not parallel_stacks(cpus, gpus):
        there = ray.cluster_resources()  # type: ignore[no-untyped-call]
        raise InputError(
            f"resources: a stack wants {cpus:g} CPUs and {gpus:g} GPUs (cpus_per_stack, gpus_per_stack), "
            f"but this machine has {there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs"
        )


def _arguments(address: str | None, temporary: str, settings: Settings) -> dict[str, Any]:
    common: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": "CRITICAL",  # a worker that dies is started again, and listeners hear of it
    }
    if address is not None:
        return {**common, "address": address, "runtime_env": {"env_vars": _threads(settings)}}
    # Workers of a cluster of our own inherit this process's environment. A runtime environment would be prepared
    # first, and the workers that Ray starts ahead of time could not be used.
    return {
        **common,
        "address": "local",
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_temp_dir": temporary,
    }


def _threads(settings: Settings) -> dict[str, str]:
    """What a worker's libraries must know before they are imported."""
    return dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(settings.threads))


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
