"""Putting a loaded model on its devices, tensor by tensor, so that none of them ever holds what is another's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from panda_ray.backbones.encoder import Encoder
from panda_ray.backbones.placement import spread
from panda_ray.errors import InputError


def place(name: str, model: nn.Module, encoder: Encoder, layers: int, devices: Sequence[torch.device]) -> None:
    """Move a model from the host to one device, or spread its layers over several GPUs as `placement.spread` says.

    Args:
        name: of the backbone.
        layers: how many the encoder of this model has.

    Raises:
        InputError: several GPUs together have no room for its weights.
    """
    if len(devices) == 1:
        model.to(devices[0])
        return
    tensors = [_tensors(encoder.module(index)) for index in range(layers)]
    sizes = [sum(map(_bytes, layer)) for layer in tensors]
    rest = sum(map(_bytes, _tensors(model))) - sum(sizes)
    room = [float(torch.cuda.mem_get_info(device)[0]) for device in devices]
    gpus = spread(rest, sizes, room)
    for gpu, space in enumerate(room):
        held = sum(size for size, its in zip(sizes, gpus, strict=True) if its == gpu) + (0 if gpu else rest)
        if held > space:
            raise InputError(
                f"backbone {name!r}: its weights ({(rest + sum(sizes)) / 2**30:.1f} GiB) do not fit into {len(room)} "
                f"GPUs with {', '.join(f'{space / 2**30:.1f}' for space in room)} GiB free"
            )
    put_layers(model, encoder, [devices[gpu] for gpu in gpus], devices[0])


def put_layers(model: nn.Module, encoder: Encoder, layers: Sequence[torch.device], rest: torch.device) -> None:
    """Put each layer on its device and everything else on one; what modules share, they share afterwards."""
    of_layers = {
        id(tensor): device for index, device in enumerate(layers) for tensor in _tensors(encoder.module(index))
    }
    moved: dict[int, Tensor] = {}
    for module in model.modules():
        for name, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            if id(tensor) not in moved:
                there = tensor.detach().to(of_layers.get(id(tensor), rest))
                is_weight = isinstance(tensor, nn.Parameter)
                moved[id(tensor)] = nn.Parameter(there, requires_grad=False) if is_weight else there
            setattr(module, name, moved[id(tensor)])


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
