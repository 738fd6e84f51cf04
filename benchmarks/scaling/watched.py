"""A collective with a clock: what workers say to each other, and how long they take to say it or to hear it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from panda_ray.training.engine.collective import Collective

Value = TypeVar("Value")


class Watched:
    """Another collective, watched.

    Attributes:
        sum_seconds: in sums, waiting for the slower worker included.
        object_seconds: in everything else (evaluations, what rank 0 shares).
        sums: how many.
        summed_bytes: of all of them.
    """

    def __init__(self, collective: Collective, device: torch.device) -> None:
        self._collective = collective
        self._device = device
        self.rank, self.size = collective.rank, collective.size
        self.sum_seconds = self.object_seconds = 0.0
        self.sums = self.summed_bytes = 0

    def sum(self, tensor: Tensor) -> None:
        self._wait()  # for the gradients, which are not the sum's fault
        started = time.perf_counter()
        self._collective.sum(tensor)
        self._wait()
        self.sum_seconds += time.perf_counter() - started
        self.sums += 1
        self.summed_bytes += tensor.numel() * tensor.element_size()

    def gather(self, value: Value) -> list[Value]:
        with self._objects():
            return self._collective.gather(value)

    def share(self, make: Callable[[], Value]) -> Value:
        with self._objects():
            return self._collective.share(make)

    @contextmanager
    def _objects(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.object_seconds += time.perf_counter() - started

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
