"""An encoded task as bytes: Arrow tables of ragged rows, without padding. Nothing is ever unpickled.

Shape letters: R rows, T tokens of the longest row, F tokens of all rows together, E examples.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from panda_ray.tasks.encoded import EncodedSplit, EncodedTask
from panda_ray.tasks.kinds import TaskKind
from panda_ray.tasks.kinds.token_rows import pad_flat
from panda_ray.tasks.task import TaskSpec


def pack(task: EncodedTask) -> bytes:
    """Both splits."""
    sink = pa.BufferOutputStream()
    for split in (task.train, task.dev):
        for table in _tables(task.spec.kind, split):
            with pa.ipc.new_stream(sink, table.schema) as stream:
                stream.write_table(table)
        pa.ipc.write_tensor(pa.Tensor.from_numpy(split.labels.numpy()), sink)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def unpack(spec: TaskSpec, data: memoryview) -> EncodedTask:
    """What `pack` was given."""
    source = pa.BufferReader(data)
    train, dev = (_read_split(spec.kind, source) for _ in range(2))
    return EncodedTask(spec, train, dev)


def _tables(kind: TaskKind, split: EncodedSplit) -> tuple[pa.Table, pa.Table, pa.Table]:
    """What there is one of per row, per example and per item."""
    lengths_R = split.lengths_R.numpy()
    ids_RT = split.input_ids_RT.numpy()
    token_RT = np.arange(ids_RT.shape[1]) < lengths_R[:, None]
    padding = ids_RT[~token_RT]
    types_F = split.token_type_ids_RT.numpy()[token_RT].astype(np.uint8)
    rows = {"ids": _ragged(ids_RT[token_RT].astype(np.int32), lengths_R), "types": _ragged(types_F, lengths_R)}
    about = {"rows_per_example": str(split.rows_per_example), "pad_id": str(padding[0] if len(padding) else 0)}
    examples = {"item": np.asarray(split.item_of_example), "decoding": kind.pack_decoding(split.decoding)}
    return pa.table(rows, metadata=about), pa.table(examples), pa.table({"reference": pa.array(split.references)})


def _ragged(flat_F: NDArray[Any], lengths_R: NDArray[np.int64]) -> pa.ListArray:
    return pa.ListArray.from_arrays(np.append(0, np.cumsum(lengths_R)).astype(np.int32), flat_F)


def _read_split(kind: TaskKind, source: pa.BufferReader) -> EncodedSplit:
    rows, examples, items = (pa.ipc.open_stream(source).read_all() for _ in range(3))
    labels = pa.ipc.read_tensor(source).to_numpy()
    ids, types = (rows[name].combine_chunks() for name in ("ids", "types"))
    return EncodedSplit(
        input_ids_RT=_padded(ids, int(rows.schema.metadata[b"pad_id"])),
        token_type_ids_RT=_padded(types, 0),
        lengths_R=torch.from_numpy(_lengths(ids)),
        rows_per_example=int(rows.schema.metadata[b"rows_per_example"]),
        labels=torch.from_numpy(labels.copy()),
        references=tuple(items["reference"].to_pylist()),
        item_of_example=tuple(examples["item"].to_pylist()),
        decoding=kind.unpack_decoding(examples["decoding"].combine_chunks()),
    )


def _padded(rows: pa.ListArray, value: int) -> torch.Tensor:
    return torch.from_numpy(pad_flat(rows.values.to_numpy(), _lengths(rows), value))


def _lengths(rows: pa.ListArray) -> NDArray[np.int64]:
    lengths_R: NDArray[np.int64] = rows.value_lengths().to_numpy().astype(np.int64)
    return lengths_R
