"""A second device for machines that have none: `pretend:0`, whose tensors are the host's and do not mix with them.

It is PyTorch's experimental backend in Python. Every operation is computed by the host on the same numbers, after all
tensors with a dimension were seen to lie on one device, as a GPU demands. A process that has it keeps it for good, so
tests use it in processes of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend


class _Backend:
    """What PyTorch asks of a device; draws for it are the host's."""

    def is_available(self) -> bool:
        return True

    is_initialized = is_available

    def _is_in_bad_fork(self) -> bool:
        return False

    def device_count(self) -> int:
        return 1

    def current_device(self) -> int:
        return 0

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]

    def manual_seed_all(self, seed: int) -> None:
        """The host's generator has been seeded."""

    def get_rng_state(self, device: object = None) -> torch.Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: torch.Tensor, device: object = None) -> None:
        torch.set_rng_state(state)


_setup_privateuseone_for_python_backend("pretend", backend_module=_Backend())  # type: ignore[no-untyped-call]
DEVICE = torch.device("pretend", 0)


class There(torch.Tensor):
    """A tensor on the device; its numbers are in `here`."""

    here: torch.Tensor

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> There:
        made: There = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, here.size(), strides=here.stride(), dtype=here.dtype, device=DEVICE
        )
        made.here = here
        return made

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(function, args, kwargs or {})


class SecondDevice(TorchDispatchMode):
    """Within it tensors can be made on the device and moved to it."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(function, args, kwargs or {})


def _computed(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    tensors = [each for each in pytree.tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, There)]
    if there and function is not torch.ops.aten.copy_.default:
        strangers = [tensor.shape for tensor in tensors if not isinstance(tensor, There) and tensor.dim()]
        assert not strangers, f"{function} of tensors on {DEVICE} and of {strangers} on the host"
    target = kwargs.get("device")
    stays = bool(there) if target is None else torch.device(target).type == DEVICE.type
    args, kwargs = pytree.tree_map_only(There, lambda tensor: tensor.here, (args, dict(kwargs)))
    given = kwargs if target is None else {**kwargs, "device": torch.device("cpu")}
    known = {id(tensor.here): tensor for tensor in there}

    def wrapped(tensor: torch.Tensor) -> torch.Tensor:
        return known[id(tensor)] if id(tensor) in known else There(tensor)

    computed = function(*args, **given)
    return pytree.tree_map_only(torch.Tensor, wrapped, computed) if stays else computed
