"""What a machine does while a stack runs on it: its processors, its memory, and the GPUs of the stack, now and then.

Names and units are those of MLflow's system metrics, whose pages show them under a heading of their own. MLflow's
monitor itself writes from where it samples, into a run that must not have ended: a second writer on every node.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

import torch

from panda_ray.errors import InputError
from panda_ray.training.engine.epoch_report import Usage

SAMPLE_SECONDS = 10.0
"""Between two samples, as in MLflow."""

_LIBRARIES = {"psutil": "psutil", "pynvml": "nvidia-ml-py"}
"""What is imported, and what is installed for it."""

_log = logging.getLogger(__name__)


def check_samples(has_gpu: bool) -> None:
    """
    Raises:
        InputError: what samples are taken with is not installed here.
    """
    for library in ("psutil", "pynvml") if has_gpu else ("psutil",):
        try:
            import_module(library)
        except ImportError as error:
            name = _LIBRARIES[library]
            raise InputError(
                f"tracking.system_metrics needs {name}, which is not installed here: pip install {name}, or leave the "
                "key out"
            ) from error


class Sampler:
    """Takes samples in a thread of its own while it is entered.

    Args:
        devices: of the stack.
    """

    def __init__(self, devices: Sequence[torch.device], seconds: float = SAMPLE_SECONDS) -> None:
        self._gpus = [device for device in devices if device.type == "cuda"]
        self._seconds = seconds
        self._samples: list[Usage] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="system-metrics", daemon=True)

    def __enter__(self) -> Sampler:
        _processors()  # the first answer of a process says nothing: each is of the time since the one before
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def taken(self, *, last: bool = False) -> tuple[Usage, ...]:
        """Samples since the last call.

        Args:
            last: take one more, so that a short stack has one, too.
        """
        if last:
            self._take()
        taken = tuple(self._samples)
        del self._samples[: len(taken)]
        return taken

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self._take()

    def _take(self) -> None:
        if self._ended.is_set():
            return
        try:
            values = dict([*_machine(), *_graphics(self._gpus)])
        except Exception as error:  # whatever a driver answers, a part of a GPU for one: no training stops for a sample
            _log.warning("no more system metrics of this stack: %s", error)
            self._ended.set()
        else:
            self._samples.append(Usage(time.time(), values))


@contextmanager
def sampler(wanted: bool, devices: Sequence[torch.device]) -> Iterator[Sampler | None]:
    """A sampler, if one is wanted and can be had: for the lack of one, no training stops."""
    try:
        if wanted:
            check_samples(any(device.type == "cuda" for device in devices))
    except InputError as error:
        _log.warning("%s", error)
        wanted = False
    if not wanted:
        yield None
        return
    with Sampler(devices) as sampling:
        yield sampling


def _processors() -> float:
    import psutil  # type: ignore[import-untyped]  # where it is missing, nobody gets here

    return float(psutil.cpu_percent())


def _machine() -> Iterator[tuple[str, float]]:
    import psutil

    memory = psutil.virtual_memory()
    yield "cpu_utilization_percentage", _processors()
    yield "system_memory_usage_megabytes", memory.used / 1e6
    yield "system_memory_usage_percentage", 100 * memory.used / memory.total


def _graphics(gpus: Sequence[torch.device]) -> Iterator[tuple[str, float]]:
    for number, device in enumerate(gpus):
        free, total = torch.cuda.mem_get_info(device)
        yield f"gpu_{number}_memory_usage_megabytes", (total - free) / 1e6
        yield f"gpu_{number}_memory_usage_percentage", 100 * (total - free) / total
        yield f"gpu_{number}_utilization_percentage", float(torch.cuda.utilization(device))
