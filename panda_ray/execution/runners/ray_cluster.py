"""The Ray cluster that a run uses: one started on this machine for the run, or one that exists already.

A local cluster has no dashboard, a folder of its own and a random token of its own, so that it disturbs no other and
nobody else can use it; the user's `~/.ray/auth_token` is neither read nor written. Ray's
authentication and everything else about an existing cluster are left as they are.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import logging
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import ray
from ray._private import ray_constants, services
from ray._private import utils as ray_utils

from panda_ray.errors import InputError
from panda_ray.execution.runners.ray_address import check_address
from panda_ray.execution.runners.ray_local.few_processes import few_processes
from panda_ray.execution.signals import keep_handlers, undone_at_once
from panda_ray.execution.work.workspace import Settings
from panda_ray.secrets import redacted

_raylet: Any = importlib.import_module("ray._raylet")  # its type stub lacks what is used here

_OBJECT_STORE_BYTES = 200 << 20
"""Results go through the panda_ray store; Ray's object store holds little more than the settings."""

_ATTEMPTS = 2
"""Ray gives its own processes 30 seconds, which a busy machine may need for the first start only."""

_DRIVER_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends the run at once: the store is what a run continues from
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000000",
    "TUNE_RESULT_BUFFER_LENGTH": "0",
}

_FAILURE_HANDLER = "_ZN3ray6RayLog27InstallFailureSignalHandlerEPKcb"
"""`ray::RayLog::InstallFailureSignalHandler(const char*, bool)`, which does its work only once per process."""


@contextmanager
def ray_cluster(address: str | None, settings: Settings, folder: Path) -> Iterator[None]:
    """Connected to a cluster while the context lasts; a connection that exists already is used and kept.

    Args:
        address: of a running cluster ("auto", "host:6379"); None starts one on this machine.
        folder: for the files of a cluster on this machine, with a short path.

    Raises:
        InputError: there is no such cluster, it cannot be used from here, or Ray does not start on this machine.
    """
    here = _threads(settings) | _token() if address is None else {}
    with environment(_DRIVER_ENVIRONMENT | here):
        if ray.is_initialized():
            yield
            return
        _read_authentication()
        with undone_at_once(lambda: _kill_processes_in(folder)):
            try:
                if address is None:
                    _start(folder)
                else:
                    _connect(address, settings)
                yield
            finally:
                ray.shutdown()
                _kill_processes_in(folder)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """These environment variables while the context lasts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start(folder: Path) -> None:
    """Start Ray on this machine; what a failed attempt left is removed before the next one."""
    for attempt in range(1, _ATTEMPTS + 1):
        files = folder / f"ray{attempt}"
        try:
            # Workers inherit this process's environment. A runtime environment would be prepared first, and the workers
            # that Ray starts ahead of time could not be used.
            with _environment_of_workers_left_alone(), few_processes():
                _init(
                    address="local",
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE_BYTES,
                    _temp_dir=str(files),
                )
            return
        except (Exception, SystemExit) as error:
            reason = str(error).strip() or type(error).__name__
        ray.shutdown()
        _kill_processes_in(files)
        shutil.rmtree(files, ignore_errors=True)
    raise InputError(
        f"Ray does not start on this machine, tried {_ATTEMPTS} times ({' '.join(reason.split())}); "
        "--runner inline runs the same sweep without Ray"
    )


@contextmanager
def _environment_of_workers_left_alone() -> Iterator[None]:
    """Under `uv run` Ray would pack the working directory and build an environment anew for workers beside us."""
    before = ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV
    ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV = False
    try:
        yield
    finally:
        ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV = before


def _connect(address: str, settings: Settings) -> None:
    check_address(address)
    try:
        _init(address=address, runtime_env={"env_vars": _threads(settings)})
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--address {address}: cannot join the Ray cluster there: {reason}") from error


def _init(**arguments: Any) -> None:
    with _own_signal_handlers(), _sessions_of_their_own(), _no_secrets_among_its_jobs():
        ray.init(
            log_to_driver=False,
            logging_level=logging.CRITICAL,  # a worker that dies is started again, and listeners hear of it
            **arguments,
        )


@contextmanager
def _own_signal_handlers() -> Iterator[None]:
    """Keep Ray from taking SIGTERM over, in Python (it would exit without a word) and in C++ (it would dump a stack).

    Its C++ handler is installed once per process, so it goes in before ours instead of over it: there is no moment in
    which a signal finds the wrong one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = signal.getsignal(signal.SIGTERM)
    with contextlib.suppress(AttributeError, OSError):  # a Ray without that function; see below
        install = getattr(ctypes.CDLL(_raylet.__file__), _FAILURE_HANDLER)
        install.argtypes, install.restype = [ctypes.c_char_p, ctypes.c_bool], None
        install(b"", False)
    signal.signal(signal.SIGTERM, signal.SIG_DFL if ours is None else ours)
    rays_way = ray_utils.set_sigterm_handler
    ray_utils.set_sigterm_handler = _ignore
    try:
        yield
    finally:
        ray_utils.set_sigterm_handler = rays_way
        keep_handlers()


@contextmanager
def _sessions_of_their_own() -> Iterator[None]:
    """Start Ray's processes where signals to our process group do not reach them.

    A terminal and `kill` signal a whole group. A driver whose cluster dies under it waits for minutes and ends without
    a word, instead of stopping its cluster in order. Only where the kernel ends them with this process in any case.
    """
    rays_way = services.ConsolePopen
    if ray_utils.detect_fate_sharing_support():  # type: ignore[no-untyped-call]
        services.ConsolePopen = partial(rays_way, start_new_session=True)  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        services.ConsolePopen = rays_way  # type: ignore[misc]


@contextmanager
def _no_secrets_among_its_jobs() -> Iterator[None]:
    """Keep secrets out of a cluster's list of jobs, in which everybody who reaches it reads our command line."""
    rays_way = ray_utils.get_entrypoint_name
    ray_utils.get_entrypoint_name = lambda: redacted(rays_way())  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        ray_utils.get_entrypoint_name = rays_way


def _ignore(_handler: object) -> None:
    """In the place of what sets Ray's handler."""


@lru_cache(maxsize=1)
def _token() -> dict[str, str]:
    """What makes a local cluster answer to this process and its children only; Ray reads it once per process."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _read_authentication() -> None:
    """Make Ray read the mode and token that the environment holds now, not those of an earlier cluster."""
    _raylet.Config.initialize("")
    _raylet.AuthenticationTokenLoader.instance().reset_cache()


def _threads(settings: Settings) -> dict[str, str]:
    """What a worker's libraries must know before they are imported."""
    return dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(settings.threads))


def _kill_processes_in(folder: Path) -> None:
    """Kill what Ray has started for a cluster in this folder; `ray.shutdown` knows nothing of an interrupted start."""
    import psutil  # type: ignore[import-untyped]  # comes with Ray

    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in argument for argument in child.cmdline()):
                for process in [*child.children(recursive=True), child]:
                    with contextlib.suppress(psutil.Error):
                        process.kill()
                child.wait(timeout=10)
