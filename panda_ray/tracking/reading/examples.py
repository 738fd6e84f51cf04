"""Per-item statistics of many units in one Parquet file, so that a bootstrap needs few downloads.

Columns: key, item, select, then stat_0 ... (best epoch) and honest_0 ... (epoch chosen by the selecting half).

Shape letters: R rows, one per unit and item, M statistics of a measure.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from panda_ray.tracking.reading.study import ItemStatistics


def pack(predictions: Mapping[str, bytes]) -> bytes:
    """One file from the `predictions.parquet` of several units of one task, by key."""
    tables = []
    for key, data in predictions.items():
        table = pq.read_table(io.BytesIO(data))
        kept = [
            name for name in table.column_names if name in ("item", "select") or name.startswith(("stat_", "honest_"))
        ]
        keys = pa.array([key] * table.num_rows).dictionary_encode()
        tables.append(table.select(kept).add_column(0, "key", keys))
    packed = io.BytesIO()
    pq.write_table(pa.concat_tables(tables).unify_dictionaries(), packed, compression="zstd")
    return packed.getvalue()


def unpack(file: Path | io.BytesIO, wanted: Collection[str]) -> dict[str, ItemStatistics]:
    """Statistics by key, of the wanted keys, items in order."""
    table = pq.read_table(file, use_threads=False)  # threads take longer to start than such a file to read
    keys = table["key"].combine_chunks()
    code_R = keys.indices.to_numpy()
    names = keys.dictionary.to_pylist()
    order_R = np.lexsort((table["item"].to_numpy(), code_R))
    first = np.searchsorted(code_R[order_R], np.arange(len(names) + 1))
    select_R = table["select"].to_numpy()[order_R].astype(np.bool_)
    best_RM, honest_RM = (_columns(table, prefix)[order_R] for prefix in ("stat_", "honest_"))
    return {
        name: ItemStatistics(select_R[start:end], best_RM[start:end], honest_RM[start:end])
        for name, start, end in zip(names, first, first[1:], strict=False)
        if name in wanted
    }


def _columns(table: pa.Table, prefix: str) -> NDArray[np.float64]:
    """The columns of one sort side by side (R, M)."""
    names = [name for name in table.column_names if name.startswith(prefix)]
    return np.column_stack([table[name].to_numpy().astype(np.float64) for name in names])
