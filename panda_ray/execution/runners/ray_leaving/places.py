"""On which node a stack runs: noted by its worker, for a driver that hears only that the worker is no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_put

from panda_ray.execution.runners.ray_leaving.nodes import this_node


@contextmanager
def noted_place(driver: str, stack: str) -> Iterator[None]:
    """In a worker: its node is known while the context lasts, and after an error or a death until somebody asks."""
    _internal_kv_put(_key(driver, stack), this_node().encode())
    yield
    _internal_kv_del(_key(driver, stack))


def take_place(driver: str, stack: str) -> str | None:
    """In the driver: the id of the node on which the worker of a stack ended; None where it had not started."""
    found = _internal_kv_get(_key(driver, stack))
    _internal_kv_del(_key(driver, stack))
    return None if found is None else found.decode()


def _key(driver: str, stack: str) -> bytes:
    return f"panda_ray/{driver}/{stack}/node".encode()
