"""What the workers of one data-parallel training say to each other; one worker alone says nothing.

Every worker has the whole data set and all parameters, so only three things travel: gradients (and losses) at each
step, outputs of the data that workers evaluate in parts, and what rank 0 alone reads or decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import _set_pg_timeout  # PyTorch's own; tests see it when it is renamed

Value = TypeVar("Value")

SILENT_SECONDS = 600.0
"""How long workers that have met wait for one of them, which may be saving. Until then it may be fetching a backbone,
for which they wait as long as the launcher has said."""


class LostPeerError(Exception):
    """Another worker of the group is gone, so this one cannot go on either; a new group may continue."""


class Collective(Protocol):
    """The group of workers that train one stack. All of them must call the same methods in the same order."""

    @property
    def rank(self) -> int:
        """This worker, from 0; rank 0 reads and writes for all."""
        ...

    @property
    def size(self) -> int:
        """Number of workers."""
        ...

    def sum(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over the workers, with the same bits on each of them."""
        ...

    def gather(self, value: Value) -> list[Value]:
        """The values of all workers, in the order of their ranks."""
        ...

    def share(self, make: Callable[[], Value]) -> Value:
        """What rank 0 makes, on every worker; the others do not call `make`."""
        ...


class Solo:
    """One worker alone."""

    rank = 0
    size = 1

    def sum(self, tensor: Tensor) -> None:
        """Nothing to add."""

    def gather(self, value: Value) -> list[Value]:
        return [value]

    def share(self, make: Callable[[], Value]) -> Value:
        return make()


SOLO = Solo()


class ProcessGroup:
    """The default process group of `torch.distributed`, which the launcher has made: gloo, or NCCL between whole GPUs.

    Raises:
        LostPeerError: from every method, when a worker or the connection to it is gone, or it is silent for too long.
    """

    def __init__(self) -> None:
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()
        self._have_met = False

    def sum(self, tensor: Tensor) -> None:
        with self._peers():
            dist.all_reduce(tensor)

    def gather(self, value: Value) -> list[Value]:
        values: list[Any] = [None] * self.size
        with self._peers():
            dist.all_gather_object(values, value)
        return values

    def share(self, make: Callable[[], Value]) -> Value:
        values: list[Any] = [make() if self.rank == 0 else None]
        with self._peers():
            dist.broadcast_object_list(values)
        value: Value = values[0]
        return value

    @contextmanager
    def _peers(self) -> Iterator[None]:
        """Backends have no error of their own for a lost connection: gloo raises a plain `RuntimeError`."""
        try:
            yield
        except RuntimeError as error:
            raise LostPeerError(str(error)) from error
        if not self._have_met:
            self._have_met = True
            _set_pg_timeout(timedelta(seconds=SILENT_SECONDS))


def sum_gradients(
    leaves: Collection[Tensor], losses_S: Tensor, halt: bool, collective: Collective
) -> tuple[Tensor, bool]:
    """Sum the workers' gradients and losses in one message: everything that a step must agree on.

    A loss that is not finite on one worker is so on all of them afterwards, and every worker drops that member.

    Args:
        leaves: trained tensors; one without a gradient (this worker had no examples) counts as zero.
        halt: this worker was asked to stop for now.

    Returns:
        the summed losses (S,), and whether any worker was asked to stop.
    """
    gradients = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    flat = torch.cat([*(gradient.reshape(-1) for gradient in gradients), losses_S, losses_S.new_tensor([halt])])
    collective.sum(flat)
    *summed, losses_S, halts = torch.split(flat, [*(leaf.numel() for leaf in leaves), len(losses_S), 1])
    for leaf, gradient in zip(leaves, summed, strict=True):
        leaf.grad = gradient.view_as(leaf)
    return losses_S, bool(halts)
