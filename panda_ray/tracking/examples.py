"""Per-item statistics of many units in one Parquet file, so that a bootstrap needs few downloads.

Columns: key, item, select, then stat_0 ... (best epoch) and honest_0 ... (epoch chosen by the selecting half).
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from panda_ray.tracking.study import ItemStatistics


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


def unpack(data: bytes) -> dict[str, ItemStatistics]:
    """Statistics by key, items in order."""
    frame = pq.read_table(io.BytesIO(data)).to_pandas()
    best = [name for name in frame.columns if name.startswith("stat_")]
    honest = [name for name in frame.columns if name.startswith("honest_")]
    found = {}
    for key, rows in frame.groupby("key", observed=True, sort=False):
        items = rows.sort_values("item")
        found[str(key)] = ItemStatistics(
            select_I=items["select"].to_numpy(np.bool_),
            best_IM=items[best].to_numpy(np.float64),
            honest_IM=items[honest].to_numpy(np.float64),
        )
    return found
