"""Whether all weights of a backbone are there: files that are whole, and a tensor for everything that is read.

transformers fills what a checkpoint lacks with random numbers and says so in a log; two loads of one model then differ.
Names that it maps (a `bert.` in front, gamma and beta) and tensors that a backbone does not use (pre-training heads)
are as they should be.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

from panda_ray.backbones.encoder import Architecture
from panda_ray.errors import InputError

Type = Literal["float32", "bfloat16", "float16"]
"""What matrices of a backbone may be held in."""
WIDTHS: Mapping[Type, int] = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a number."""
_NARROW: Mapping[str, Type] = {"BF16": "bfloat16", "F16": "float16"}
"""As headers of safetensors name them."""
_COMPUTED = ".inv_freq"
"""Frequencies of rotary positions, which some checkpoints hold and no model reads."""
_LAYOUTS = ("model.safetensors", "pytorch_model.bin")
"""Names that transformers looks for, one after the other, each as one file or as an index of shards."""
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_NAMED = 3
"""Missing tensors that a message names."""


def weight_files(name: str, folder: Path) -> list[Path]:
    """The files that transformers reads a local model's weights from; none where it has none.

    Raises:
        InputError: for an index that cannot be read, or that names a shard which is not there.
    """
    for layout in _LAYOUTS:
        if (folder / layout).is_file():
            return [folder / layout]
        if (folder / f"{layout}.index.json").is_file():
            return _shards(name, folder / f"{layout}.index.json")
    return []


def check_file(name: str, file: Path) -> None:
    """Look at a file of weights without loading it.

    Raises:
        InputError: Git LFS has not fetched it, or a safetensors file has not as many bytes as its header says.
    """
    with file.open("rb") as handle:
        start = handle.read(len(_LFS_POINTER))
    if start == _LFS_POINTER:
        raise InputError(
            f"backbone {name!r}: {file} is a pointer of Git LFS, not the weights; run `git lfs pull` in that folder"
        )
    if file.suffix == ".safetensors":
        _check_safetensors(name, file)


@dataclass(frozen=True)
class Weights:
    """How many numbers a model has, and the type in which its matrices are held without losing a bit."""

    parameters: int
    type: Type


def weights_in(name: str, files: Sequence[Path]) -> Weights:
    """What the files of a model hold: a narrow type where all tensors have it.

    Files of PyTorch do not say theirs without being read: such models are held in float32.

    Raises:
        InputError: for a file that is not one of safetensors, or has a damaged beginning.
    """
    if any(file.suffix != ".safetensors" for file in files):
        return Weights(sum(file.stat().st_size for file in files) // WIDTHS["float32"], "float32")
    entries = [item for file in files for item in _header(name, file).items()]
    found = {entry["dtype"] for tensor, entry in entries if not tensor.endswith(_COMPUTED)}
    held = _NARROW.get(found.pop(), "float32") if len(found) == 1 else "float32"
    return Weights(sum(prod(entry["shape"]) for _, entry in entries), held)


def check_loaded(name: str, where: str, loading: Mapping[str, Any], architecture: Architecture) -> str:
    """Hold what transformers says of a load against what a backbone needs.

    Args:
        where: folder or repository.
        loading: `output_loading_info` of transformers: names of missing tensors, and those of another shape.

    Returns:
        why pooled vectors cannot be read, or nothing if they can: a checkpoint without a pooler will do for tasks that
        read every token.

    Raises:
        InputError: some other tensor is missing or has another shape than the configuration says.
    """
    for tensor, found, expected in sorted(loading["mismatched_keys"]):
        raise InputError(
            f"backbone {name!r}: in {where} the shape of {tensor} is {tuple(found)}, but config.json asks for "
            f"{tuple(expected)}; configuration and weights are of different models"
        )
    missing = {key for key in loading["missing_keys"] if not _is_of(key, architecture.unread)}
    pooler = {tensor for tensor in missing if _is_of(tensor, (architecture.pooler,))}
    if missing - pooler:
        raise InputError(
            f"backbone {name!r}: {where} lacks {_counted(missing)}; the checkpoint must hold all layers that "
            f"config.json names, under the names of transformers{_instead(loading['unexpected_keys'])}"
        )
    if not pooler:
        return ""
    return (
        f"backbone {name!r}: {where} lacks {_counted(pooler)}, which the heads of this task read; "
        "take a checkpoint that was saved with its pooler"
    )


def _is_of(tensor: str, modules: Collection[str]) -> bool:
    return tensor.partition(".")[0] in modules


def unreadable(name: str, where: str, error: Exception) -> InputError:
    """What is said of weights that the loader could not read at all."""
    reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    if isinstance(error, pickle.UnpicklingError):  # whose own text advises to run whatever code is in the file
        reason = "the checkpoint is damaged, or holds more than tensors"
    return InputError(f"backbone {name!r}: {where} cannot be loaded ({reason})")


def _check_safetensors(name: str, file: Path) -> None:
    """The length of a header, the header, and as many bytes as it says, to the byte."""
    size = file.stat().st_size
    ends = [entry["data_offsets"][1] for entry in _header(name, file).values()]
    with file.open("rb") as handle:
        expected = 8 + int.from_bytes(handle.read(8), "little") + max(ends, default=0)
    if size != expected:
        raise InputError(
            f"backbone {name!r}: {file} has {size:,} bytes instead of {expected:,}; copy or download it again"
        )


def _header(name: str, file: Path) -> dict[str, Any]:
    """What a safetensors file says of each of its tensors: a `dtype`, a `shape` and two `data_offsets`."""
    size = file.stat().st_size
    try:
        with file.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            header: Any = json.loads(handle.read(length)) if 2 <= length <= size - 8 else None
        header.pop("__metadata__", None)
        for entry in header.values():
            _ = entry["dtype"], entry["shape"], entry["data_offsets"][1]
    except (ValueError, AttributeError, KeyError, TypeError, IndexError, RecursionError):
        raise InputError(
            f"backbone {name!r}: {file} ({size:,} bytes) is not a safetensors file, or its beginning is damaged; "
            "copy or download it again"
        ) from None
    return dict(header)


def _shards(name: str, index: Path) -> list[Path]:
    try:
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        files = [index.parent / shard for shard in shards]
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise InputError(f"backbone {name!r}: {index} is not an index of shards; copy or download it again") from None
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise InputError(
            f"backbone {name!r}: {index.parent} lacks {len(missing)} of {len(files)} shards that {index.name} names "
            f"({_first(missing)}); copy or download them"
        )
    return files


def _counted(tensors: Collection[str]) -> str:
    return f"{len(tensors)} tensor{'s' if len(tensors) > 1 else ''} ({_first(sorted(tensors))})"


def _instead(unexpected: Collection[str]) -> str:
    """Names that the checkpoint has and the model does not know; another prefix is seen at a glance."""
    return f" (it holds {_first(sorted(unexpected))})" if unexpected else ""


def _first(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
