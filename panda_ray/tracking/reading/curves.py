"""How the trainings of many units went, in one Parquet file beside that of their items: curves, seconds and memory.

Columns: key, loss and score (a list each, one number per epoch), seconds, peak_memory_bytes.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from panda_ray.tracking.reading.study import Training
from panda_ray.tracking.runs import CURVES_FOLDER, EXAMPLES_FOLDER

_SCHEMA = pa.schema(
    {
        "key": pa.string(),
        "loss": pa.list_(pa.float32()),
        "score": pa.list_(pa.float32()),
        "seconds": pa.float64(),
        "peak_memory_bytes": pa.int64(),
    }
)


def curves_file(examples_file: str) -> str:
    """The file with the trainings of the units whose per-item statistics are in this one."""
    return CURVES_FOLDER + examples_file.removeprefix(EXAMPLES_FOLDER)


def pack_curves(records: Sequence[Mapping[str, Any]]) -> bytes:
    """One file from the records of several trainings."""
    packed = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([_row(record) for record in records], _SCHEMA), packed, compression="zstd")
    return packed.getvalue()


def unpack_curves(file: Path | io.BytesIO, wanted: Collection[str]) -> dict[str, Training]:
    """Trainings by key, of the wanted keys."""
    rows = pq.read_table(file, use_threads=False).to_pylist()
    return {
        row["key"]: Training(tuple(row["loss"]), tuple(row["score"]), row["seconds"], row["peak_memory_bytes"])
        for row in rows
        if row["key"] in wanted
    }


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    curves = {name: [epoch.get(name) for epoch in record["history"]] for name in ("loss", "score")}
    return {
        "key": record["key"],
        **curves,
        "seconds": record["seconds"],
        "peak_memory_bytes": record.get("peak_memory_bytes"),
    }
