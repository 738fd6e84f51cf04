"""An encoded task as bytes: safetensors without padding, and JSON for what is no tensor. Nothing is ever unpickled.

Shape letters: R rows, T tokens of the longest row, F tokens of all rows together, E examples.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import numpy as safetensors

from panda_ray.tasks.encoded import EncodedSplit, EncodedTask
from panda_ray.tasks.kinds import TaskKind
from panda_ray.tasks.task import TaskSpec

Arrays = dict[str, NDArray[Any]]

_JSON = "json"


def pack(task: EncodedTask) -> bytes:
    """Both splits."""
    train, dev = (_packed(task.spec.kind, split) for split in (task.train, task.dev))
    return safetensors.save(
        {f"{name}.{part}": array for name, split in (("train", train), ("dev", dev)) for part, array in split.items()}
    )


def unpack(spec: TaskSpec, data: memoryview) -> EncodedTask:
    """What `pack` was given."""
    arrays = safetensors.load(bytes(data))
    splits = (
        {part.removeprefix(f"{name}."): array for part, array in arrays.items() if part.startswith(f"{name}.")}
        for name in ("train", "dev")
    )
    return EncodedTask(spec, *(_unpacked(spec.kind, split) for split in splits))


def _packed(kind: TaskKind, split: EncodedSplit) -> Arrays:
    lengths_R = split.lengths_R.numpy()
    ids_RT = split.input_ids_RT.numpy()
    token_RT = np.arange(ids_RT.shape[1]) < lengths_R[:, None]
    padding = ids_RT[~token_RT]
    decoding, decoding_json = kind.pack_decoding(split.decoding)
    described = {
        "rows_per_example": split.rows_per_example,
        "pad_id": int(padding[0]) if len(padding) else 0,
        "references": split.references,
        "decoding": decoding_json,
    }
    return {
        "ids_F": ids_RT[token_RT].astype(np.int32),
        "types_F": split.token_type_ids_RT.numpy()[token_RT].astype(np.uint8),
        "lengths_R": lengths_R.astype(np.int32),
        "labels": split.labels.numpy(),
        "item_E": np.asarray(split.item_of_example, dtype=np.int64),
        _JSON: np.frombuffer(json.dumps(described, allow_nan=False).encode(), dtype=np.uint8),
        **decoding,
    }


def _unpacked(kind: TaskKind, arrays: Arrays) -> EncodedSplit:
    described = json.loads(arrays[_JSON].tobytes())
    lengths_R = arrays["lengths_R"].astype(np.int64)
    return EncodedSplit(
        input_ids_RT=_padded(arrays["ids_F"], lengths_R, described["pad_id"]),
        token_type_ids_RT=_padded(arrays["types_F"], lengths_R, 0),
        lengths_R=torch.from_numpy(lengths_R),
        rows_per_example=described["rows_per_example"],
        labels=torch.from_numpy(arrays["labels"].copy()),
        references=tuple(described["references"]),
        item_of_example=tuple(arrays["item_E"].tolist()),
        decoding=kind.unpack_decoding(arrays, described["decoding"], len(arrays["item_E"])),
    )


def _padded(flat_F: NDArray[Any], lengths_R: NDArray[np.int64], value: int) -> torch.Tensor:
    token_RT = np.arange(int(lengths_R.max(initial=0))) < lengths_R[:, None]
    padded_RT = np.full(token_RT.shape, value, dtype=np.int64)
    padded_RT[token_RT] = flat_F
    return torch.from_numpy(padded_RT)
