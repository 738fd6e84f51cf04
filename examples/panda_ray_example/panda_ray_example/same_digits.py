"""A task that makes its own rows: whether two rows of digits hold the same digits, in whatever order."""

from __future__ import annotations

import random
from operator import itemgetter
from typing import Any

from panda_ray.tasks.kinds import CLASSIFICATION
from panda_ray.tasks.task import BuiltinOrigin, Hyperparameters, TaskSpec

DIGITS = "0123456789"
ROWS = {"train": 400, "validation": 100}


def rows(split: str) -> list[dict[str, Any]]:
    """The rows of a split, the same on every machine: panda_ray hashes them, so that a change is seen in every key."""
    draw = random.Random(f"same_digits {split}")
    return [_row(draw, label=number % 2) for number in range(ROWS[split])]


def _row(draw: random.Random, label: int) -> dict[str, Any]:
    first = draw.choices(DIGITS, k=4)
    second = draw.sample(first, k=len(first))
    if label == 0:
        place = draw.randrange(len(second))
        second[place] = draw.choice([digit for digit in DIGITS if digit not in first])
    return {"sentence1": " ".join(first), "sentence2": " ".join(second), "label": label}


SAME_DIGITS = TaskSpec(
    name="same_digits",
    group="matching",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=BuiltinOrigin(rows),
    hyperparameters=Hyperparameters(lr=3e-2, batch_size=8, epochs=3),
    train_rows=ROWS["train"],
    columns=("sentence1", "sentence2", "label"),
    labels=("different", "same"),
    first=itemgetter("sentence1"),
    second=itemgetter("sentence2"),
    is_target=True,
)
