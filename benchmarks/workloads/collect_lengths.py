"""Makes the files of `lengths.py` from published rows.

`python -m benchmarks.workloads.collect_lengths DATA VOCABULARY`, where DATA holds `<task>/train.parquet` and
`<task>/validation.parquet`, and VOCABULARY is the folder of BERT's uncased tokenizer.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

from transformers import AutoTokenizer

from benchmarks.workloads.lengths import FOLDER, MAX_LEN, TASKS
from panda_ray.tasks import TASKS as ALL_TASKS
from panda_ray.tasks.rows.loading import MissingData, load_rows
from panda_ray.tasks.task import BuiltinOrigin

_SAMPLE = 2_000
"""Rows of a task that its mean is taken over."""


def main(data_root: str, vocabulary: str) -> None:
    """Write one histogram per benchmark task, and the mean length of every task whose rows are there."""
    tokenizer = AutoTokenizer.from_pretrained(vocabulary)
    FOLDER.mkdir(exist_ok=True)
    means = {}
    for spec in ALL_TASKS:
        if isinstance(spec.origin, BuiltinOrigin):
            continue
        try:
            rows = load_rows(spec, data_root, None if spec.name in TASKS else _SAMPLE).train
        except MissingData as missing:
            print(missing, file=sys.stderr)
            continue
        split = spec.encode(rows, tokenizer, MAX_LEN)
        means[spec.name] = round(int(split.lengths_R.sum()) / len(rows), 1)
        if spec.name in TASKS:
            counts = dict(sorted(Counter(split.lengths_R.tolist()).items()))
            _write(spec.name, {"classes": spec.output_size, "examples": split.examples, "counts": counts})
    _write("means", means)


def _write(name: str, content: dict[str, Any]) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
