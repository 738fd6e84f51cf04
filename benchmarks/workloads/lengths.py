"""How long the texts of the four data sets are: histograms that ship with the benchmarks, so that no data is needed.

A histogram counts the training examples of a task by their tokens under BERT's uncased vocabulary, special tokens
included, cut at `MAX_LEN`. `collect_lengths.py` makes them from the published rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from panda_ray.errors import unknown_name

FOLDER = Path(__file__).parent / "lengths_of_tasks"
TASKS = ("cb", "rte", "cola", "stsb")
MAX_LEN = 128


@dataclass(frozen=True)
class Lengths:
    """One task's histogram.

    Attributes:
        classes: outputs of the head; 1 means regression.
        counts: training examples by tokens.
    """

    task: str
    classes: int
    counts: dict[int, int]

    def quantiles(self, rows: int) -> list[int]:
        """`rows` lengths, evenly spaced over the distribution, shortest first."""
        sorted_lengths = np.repeat(*np.array(sorted(self.counts.items())).T)
        positions = (np.arange(rows) + 0.5) / rows * len(sorted_lengths)
        return [int(length) for length in sorted_lengths[positions.astype(int)]]


def load_lengths(task: str) -> Lengths:
    """The histogram of a task.

    Raises:
        InputError: for a task without one.
    """
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    stored = json.loads((FOLDER / f"{task}.json").read_text(encoding="utf-8"))
    counts = {int(length): count for length, count in stored["counts"].items()}
    return Lengths(task, stored["classes"], counts)


def mean_tokens() -> dict[str, float]:
    """Tokens per published training row of the tasks whose rows were at hand: a row may be several encoded ones."""
    means: dict[str, float] = json.loads((FOLDER / "means.json").read_text(encoding="utf-8"))
    return means
