"""What changes while a stack trains, and the same as bytes: a checkpoint that the training can go on from.

A few megabytes; the frozen backbone is never part of it. Written with `torch.save` and read with `weights_only=True`,
so that a checkpoint can hold no code.

Shape letters: S members that go on.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from panda_ray.training.engine.stack.member_progress import MemberProgress
from panda_ray.training.engine.stack.optimizer import StackedAdamW
from panda_ray.training.engine.stack.stack_model import StackModel

_FORMAT = 6


class UnusableStateError(Exception):
    """A state that no training can go on from; it starts anew."""


@dataclass
class StackState:
    """A stack after so many optimiser steps; random streams are the process's.

    Attributes:
        loss_sum_S: of the steps of the current epoch.
        alive_S: whose losses were finite in all of them.
        progress: of every member, also of those that ended early.
        workers: numbers of workers that trained it, one after the other.
        living: positions in `progress` of the members that go on; the tensors hold these alone, in this order.
    """

    model: StackModel
    optimizer: StackedAdamW
    loss_sum_S: Tensor
    alive_S: Tensor
    progress: Sequence[MemberProgress]
    living: list[int]
    workers: list[int]
    step: int = 0

    def drop_ended(self) -> list[int]:
        """Free what members have that do not go on; returns the rows of the others in what the tensors were."""
        rows = [row for row, member in enumerate(self.living) if self.progress[member].goes_on]
        if len(rows) < len(self.living):
            self.living = [self.living[row] for row in rows]
            self.model.keep(rows)
            self.optimizer.keep(self.model.leaves.values(), rows)
            self.loss_sum_S, self.alive_S = self.loss_sum_S[rows], self.alive_S[rows]
        return rows


def pack(state: StackState) -> bytes:
    """Everything that the training depends on from here; of members that ended early, what they reached."""
    saved = {
        "format": _FORMAT,
        "step": state.step,
        "leaves": {name: leaf.detach() for name, leaf in state.model.leaves.items()},
        "optimizer": state.optimizer.state(),
        "loss_sum": state.loss_sum_S,
        "alive": state.alive_S,
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None,
        "workers": state.workers,
        "members": [member.state() for member in state.progress],
    }
    buffer = io.BytesIO()
    torch.save(saved, buffer)
    return buffer.getvalue()


def unpack(data: bytes, state: StackState) -> None:
    """Put what was packed in the place of the state of a stack that has not begun.

    Raises:
        UnusableStateError: it is damaged, of another format, or of another stack. What was to be filled is then in an
            undefined state.
    """
    try:
        _unpack(data, state)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever a zip file, an unpickler and wrong shapes may raise
        raise UnusableStateError(str(error)) from error


def _unpack(data: bytes, state: StackState) -> None:
    saved: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    if saved["format"] != _FORMAT:
        raise ValueError(f"format {saved['format']}")
    for member, saved_member in zip(state.progress, saved["members"], strict=True):
        member.load(saved_member)
    state.drop_ended()
    with torch.no_grad():
        leaves = state.model.leaves
        if leaves.keys() != saved["leaves"].keys():
            raise ValueError(f"{sorted(saved['leaves'])} instead of {sorted(leaves)}")
        for name, leaf in leaves.items():
            _fill(leaf, saved["leaves"][name])
        _fill(state.loss_sum_S, saved["loss_sum"])
        _fill(state.alive_S, saved["alive"])
    state.optimizer.load(saved["optimizer"])
    torch.set_rng_state(saved["random"])
    if saved["random_cuda"] is not None and torch.cuda.is_available():
        for device, state_of_device in zip(range(torch.cuda.device_count()), saved["random_cuda"], strict=False):
            torch.cuda.set_rng_state(state_of_device, device)
    state.step = int(saved["step"])
    state.workers = [*map(int, saved["workers"])]


def _fill(tensor: Tensor, saved: Tensor) -> None:
    """Copy without broadcasting or converting."""
    if saved.shape != tensor.shape or saved.dtype != tensor.dtype:
        raise ValueError(f"{saved.dtype} {tuple(saved.shape)} instead of {tensor.dtype} {tuple(tensor.shape)}")
    tensor.copy_(saved)
