"""A process that has imported what trains, and becomes what it is asked for in forks of itself.

    python -m support.processes.warm.server LISTENER

Args:
    LISTENER: descriptor of a socket that requests come to. The process says when it is warm, and ends when its standard
        input does.
"""

from __future__ import annotations

import gc
import importlib
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Sequence

from support.processes.warm.request import Request

_IMPORTED = (
    "mlflow.tracking",
    "panda_ray.execution.runners.ray_tune",
    "panda_ray.execution.runners.run_plan",
    "panda_ray.search.in_optuna.optuna_storage",
    "panda_ray.training.engine.stacked",
    "transformers.models.bert.modeling_bert",
)


def serve(listener: socket.socket) -> Request | None:
    """Answer requests: returns one in the fork that is to become it, and nothing in the end."""
    while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
        connection, _ = listener.accept()
        with connection:
            request, streams = Request.received(connection)
            if not (forked := _fork_an_orphan()):
                listener.close()
                _begin(request, streams)
                return request
            for stream in streams:
                os.close(stream)
            connection.sendall(str(forked).encode())
    return None


def _fork_an_orphan() -> int:
    """The id of a fork of this process, and 0 in there; it is a child of whoever adopts it."""
    reading, writing = os.pipe()
    if between := os.fork():
        os.waitpid(between, 0)
        forked = int(os.read(reading, 32))
    elif forked := os.fork():
        os.write(writing, str(forked).encode())
        os._exit(0)
    os.close(reading)
    os.close(writing)
    return forked


def _begin(request: Request, streams: Sequence[int]) -> None:
    """Be as a process that was just started."""
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.argv[1:] = request.arguments


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, which is for the tests
    for module in _IMPORTED:
        importlib.import_module(module)
    gc.freeze()  # or a collection in a fork would copy all of it
    print("warm", flush=True)
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    if request is not None:
        runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
