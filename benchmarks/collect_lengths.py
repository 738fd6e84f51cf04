"""Makes the histograms of `lengths.py` from published rows: `python -m benchmarks.collect_lengths DATA VOCABULARY`.

DATA holds `<task>/train.parquet` and `<task>/validation.parquet`; VOCABULARY is the folder of BERT's uncased tokenizer.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

from transformers import AutoTokenizer

from benchmarks.lengths import FOLDER, TASKS
from panda_ray.tasks import get_task
from panda_ray.tasks.encoding import encode_split
from panda_ray.tasks.loading import load_rows

MAX_LEN = 128


def main(data_root: str, vocabulary: str) -> None:
    """Write one file per task."""
    tokenizer = AutoTokenizer.from_pretrained(vocabulary)
    FOLDER.mkdir(exist_ok=True)
    for task in TASKS:
        spec = get_task(task)
        split = encode_split(spec, load_rows(spec, data_root).train, tokenizer, MAX_LEN)
        counts = dict(sorted(Counter(split.lengths_R.tolist()).items()))
        content = {"task": task, "classes": spec.output_size, "examples": split.examples, "counts": counts}
        (FOLDER / f"{task}.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
