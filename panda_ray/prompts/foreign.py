"""Prompts that other programs trained: a prefix-tuning adapter of PEFT, or a checkpoint of P-Tuning v2's code.

Both keep a prefix as P rows in the order layer, key/value, head, position in the head, and both let the positions of
tokens begin behind it. PEFT has applied its projection before it saves; P-Tuning v2 keeps the MLP, which is applied
here. A head is one linear layer over what this project's heads read.

Shape letters: L layers, K = 2 (keys, values), N key/value heads, P prompt length, H head size, C outputs, D hidden.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from panda_ray.backbones import Geometry
from panda_ray.errors import InputError
from panda_ray.prompts.prompt import Prompt

_ADAPTER_CONFIG = "adapter_config.json"
_ADAPTERS = ("adapter_model.safetensors", "adapter_model.bin")
_CHECKPOINTS = ("model.safetensors", "pytorch_model.bin")
_OUR_HEAD = "head.safetensors"
"""What `export` writes beside an adapter."""
_HEADS = ("classifier", "score", "qa_outputs")
"""What models of transformers call a head of one linear layer."""


def read_foreign(path: Path, geometry: Geometry) -> Prompt:
    """The prompt in a folder of an adapter or a checkpoint, or in a checkpoint's file.

    Raises:
        InputError: there is none, it is of another backbone, or its head is missing or more than one linear layer.
    """
    if path.is_dir() and (path / _ADAPTER_CONFIG).is_file():
        matrix_PF, heads = _of_adapter(path)
    else:
        matrix_PF, heads = _of_checkpoint(path)
    prefix_LKNPH = _prefix(path, matrix_PF, geometry)
    weight_CD, bias_C = _head(path, heads, geometry)
    return Prompt(prefix_LKNPH, weight_CD, bias_C, position_offset=True)


def content_hash(prompt: Prompt) -> str:
    """sha256 of the prompt and its head, whatever file they came in."""
    return hashlib.sha256(safetensors.torch.save(prompt.tensors())).hexdigest()


def _of_adapter(folder: Path) -> tuple[Tensor, Mapping[str, Tensor]]:
    try:
        sort = json.loads((folder / _ADAPTER_CONFIG).read_text(encoding="utf-8"))["peft_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / _ADAPTER_CONFIG} is no configuration of a PEFT adapter ({error})") from error
    if sort != "PREFIX_TUNING":
        raise InputError(f"{folder} holds an adapter of the type {sort}; only PREFIX_TUNING can be imported")
    tensors = _tensors(_only(folder, _ADAPTERS))
    if "prompt_embeddings" not in tensors:
        raise InputError(f"{folder}: the adapter has no `prompt_embeddings`, so it is no prefix-tuning adapter of PEFT")
    beside = folder / _OUR_HEAD
    own = {f"classifier.{name}": tensor for name, tensor in _tensors(beside).items()} if beside.is_file() else {}
    return tensors["prompt_embeddings"], {**tensors, **own}


def _of_checkpoint(path: Path) -> tuple[Tensor, Mapping[str, Tensor]]:
    file = _only(path, _CHECKPOINTS) if path.is_dir() else path
    tensors = _tensors(file)
    table = tensors.get("prefix_encoder.embedding.weight")
    if table is None:
        raise InputError(
            f"{file} has no `prefix_encoder.embedding.weight`, so it is no checkpoint of P-Tuning v2; an adapter of "
            f"PEFT is a folder with {_ADAPTER_CONFIG}"
        )
    if "prefix_encoder.trans.0.weight" not in tensors:
        return table, tensors
    try:
        first, second = (
            (tensors[f"prefix_encoder.trans.{layer}.weight"], tensors[f"prefix_encoder.trans.{layer}.bias"])
            for layer in (0, 2)
        )
        return torch.nn.functional.linear(torch.tanh(torch.nn.functional.linear(table, *first)), *second), tensors
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{file}: the MLP over its prefix cannot be read ({error})") from error


def _prefix(path: Path, matrix_PF: Tensor, geometry: Geometry) -> Tensor:
    """The rows as keys and values, (L, K, N, P, H)."""
    layers, heads, size = geometry.layers, geometry.kv_heads, geometry.head_size
    width = layers * 2 * heads * size
    if matrix_PF.dim() != 2 or matrix_PF.shape[1] != width:
        raise InputError(
            f"{path}: a prefix of the shape {tuple(matrix_PF.shape)} is of another backbone: here a virtual token has "
            f"{width} numbers ({layers} layers, keys and values, {heads} heads of {size})"
        )
    matrix = matrix_PF.detach().float().reshape(-1, layers, 2, heads, size)
    return matrix.permute(1, 2, 3, 0, 4).contiguous()


def _head(path: Path, tensors: Mapping[str, Tensor], geometry: Geometry) -> tuple[Tensor, Tensor]:
    """Weight (C, D) and bias (C,)."""
    found = {name: tensor for name, tensor in tensors.items() if _is_head(name)}
    if len(found) != 1:
        problem = "has no head" if not found else f"has {len(found)} heads ({', '.join(sorted(found))})"
        raise InputError(f"{path} {problem}: one linear layer is wanted that is called {', '.join(_HEADS)}")
    [(name, weight)] = found.items()
    if weight.dim() != 2 or weight.shape[1] != geometry.hidden:
        raise InputError(
            f"{path}: the head {name} has the shape {tuple(weight.shape)}, and this backbone gives vectors of "
            f"{geometry.hidden}"
        )
    bias = tensors.get(f"{name.removesuffix('weight')}bias", torch.zeros(len(weight)))
    return weight.detach().float().contiguous(), bias.detach().float().contiguous()


def _is_head(name: str) -> bool:
    *_, layer, parameter = ["", *name.split(".")]
    return layer in _HEADS and parameter == "weight"


def _only(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{folder} holds none of {', '.join(names)}")


def _tensors(file: Path) -> dict[str, Tensor]:
    """What a file holds, read without running anything of it."""
    try:
        if file.suffix == ".safetensors":
            return safetensors.torch.load_file(file)
        loaded = torch.load(file, map_location="cpu", weights_only=True)
        return {str(name): tensor for name, tensor in dict(loaded).items() if isinstance(tensor, Tensor)}
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, ValueError, TypeError, EOFError) as error:
        raise InputError(f"{file} cannot be read as tensors ({str(error).splitlines()[0]})") from error
