"""The state of a running stack as bytes: trained vectors, optimiser, position, random streams, what members reached.

A few megabytes; the frozen backbone is never part of it. Written with `torch.save` and read with `weights_only=True`,
so that a checkpoint can hold no code.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from panda_ray.training.optimizer import StackedAdamW, StackParameters
from panda_ray.training.progress import MemberProgress

_FORMAT = 2


class UnusableStateError(Exception):
    """A state that no training can go on from; it starts anew."""


def pack(
    step: int,
    parameters: StackParameters,
    optimizer: StackedAdamW,
    loss_sum_S: Tensor,
    alive_S: Tensor,
    progress: Sequence[MemberProgress],
) -> bytes:
    """Everything that the training after `step` optimiser steps depends on."""
    state = {
        "format": _FORMAT,
        "step": step,
        "leaves": [leaf.detach() for leaf in parameters.leaves],
        "optimizer": optimizer.state(),
        "loss_sum": loss_sum_S,
        "alive": alive_S,
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        "members": [member.state() for member in progress],
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def unpack(
    data: bytes,
    parameters: StackParameters,
    optimizer: StackedAdamW,
    loss_sum_S: Tensor,
    alive_S: Tensor,
    progress: Sequence[MemberProgress],
) -> int:
    """Put a packed state back in place; returns the number of optimiser steps already taken.

    Raises:
        UnusableStateError: it is damaged, of another format, or of another stack. What was to be filled is then in an
            undefined state.
    """
    try:
        return _unpack(data, parameters, optimizer, loss_sum_S, alive_S, progress)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever a zip file, an unpickler and wrong shapes may raise
        raise UnusableStateError(str(error)) from error


def _unpack(
    data: bytes,
    parameters: StackParameters,
    optimizer: StackedAdamW,
    loss_sum_S: Tensor,
    alive_S: Tensor,
    progress: Sequence[MemberProgress],
) -> int:
    state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    if state["format"] != _FORMAT:
        raise ValueError(f"format {state['format']}")
    with torch.no_grad():
        for leaf, saved in zip(parameters.leaves, state["leaves"], strict=True):
            _fill(leaf, saved)
        _fill(loss_sum_S, state["loss_sum"])
        _fill(alive_S, state["alive"])
    optimizer.load(state["optimizer"])
    torch.set_rng_state(state["random"])
    if state["random_cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["random_cuda"])
    for member, saved_member in zip(progress, state["members"], strict=True):
        member.load(saved_member)
    return int(state["step"])


def _fill(tensor: Tensor, saved: Tensor) -> None:
    """Copy without broadcasting or converting."""
    if saved.shape != tensor.shape or saved.dtype != tensor.dtype:
        raise ValueError(f"{saved.dtype} {tuple(saved.shape)} instead of {tensor.dtype} {tuple(tensor.shape)}")
    tensor.copy_(saved)
