"""A grid table as a frame."""

from __future__ import annotations

import pandas as pd

from panda_ray.reports.numbers.tables import GridTable


def table_frame(table: GridTable) -> pd.DataFrame:
    """Means over seeds: a row per method and what it shows, a column per target, then average and gain in points."""
    rows = [
        [
            *(None if cell is None else cell.mean for cell in row.cells),
            None if row.average is None else row.average.mean,
            row.gain,
        ]
        for row in table.rows
    ]
    index = pd.MultiIndex.from_tuples([(row.method, row.title) for row in table.rows], names=["method", "sources"])
    return pd.DataFrame(rows, index=index, columns=[*table.targets, "average", "gain"], dtype=float)
