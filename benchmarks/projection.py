"""How long the paper's full BERT-large grid would take on one GPU: examples x operations / rate, line by line.

The grid: each of the 21 sources trained once, and for 9 targets x 21 sources PoT, the target-like teacher and PanDa,
with the rows and epochs of Table I. Evaluation, start-up and packing are left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.workloads.lengths import mean_tokens
from benchmarks.workloads.models import SIZES
from benchmarks.written.results import read_all
from panda_ray.backbones.sizes import Sizes
from panda_ray.execution.costs.operations import backward_operations, forward_operations
from panda_ray.reports.paper import FOLDER as PAPER

ASSUMED_TOKENS = 40
"""Per row of a task whose rows are not at hand (licensed sets, ReCoRD)."""
ON_PAPER = 0.45 * 790e12
"""Operations per second without a measurement: 45 % of what an H200's bf16 matrix products are said to reach."""
_PROMPT_LEN = 20
_READ_EVERY_TOKEN = ("squad", "conll03", "conll04", "conll05", "conll12", "ontonotes")
"""Tasks whose heads read more than the first token, so that the last layer has to be computed for all of them."""
_LARGE = SIZES["large"]
_BERT_LARGE = Sizes(_LARGE.layers, _LARGE.hidden, 4 * _LARGE.hidden)


@dataclass(frozen=True)
class PaperTask:
    """One row of Table I."""

    name: str
    is_target: bool
    rows: int
    batch_size: int
    epochs: int
    small: bool

    @property
    def tokens(self) -> float:
        """Per row, special tokens included."""
        return mean_tokens().get(self.name, ASSUMED_TOKENS)

    @property
    def forward_operations(self) -> float:
        """Of one row."""
        return forward_operations(_BERT_LARGE, self.tokens, _PROMPT_LEN, self.name in _READ_EVERY_TOKEN)

    @property
    def backward_operations(self) -> float:
        """Of one row."""
        return backward_operations(_BERT_LARGE, self.tokens, _PROMPT_LEN, self.name in _READ_EVERY_TOKEN)

    @property
    def teacher_examples(self) -> int:
        """A teacher trains for one epoch on small tasks, for 1,000 steps on large ones."""
        return self.rows if self.small else 1_000 * self.batch_size


@dataclass(frozen=True)
class Share:
    """One part of the grid: what it trains on and what that takes."""

    name: str
    examples: float
    operations: float


def paper_tasks() -> list[PaperTask]:
    """Table I."""
    with (PAPER / "table1_datasets.csv").open(encoding="utf-8", newline="") as file:
        return [
            PaperTask(
                name=row["task"],
                is_target=row["is_target"] == "yes",
                rows=int(row["train_size"]),
                batch_size=int(row["batch_size"]),
                epochs=int(row["epochs"]),
                small=row["size_class"] == "small",
            )
            for row in csv.DictReader(file)
        ]


def shares(tasks: list[PaperTask]) -> list[Share]:
    """The grid's parts."""
    targets, sources = [task for task in tasks if task.is_target], len(tasks)
    training = {task.name: task.forward_operations + task.backward_operations for task in tasks}
    grid = [(sources * task.rows * task.epochs, training[task.name]) for task in targets]
    return [
        _share("sources, once each", [(task.rows * task.epochs, training[task.name]) for task in tasks]),
        _share("PoT, 9 x 21", grid),
        _share("teachers, 9 x 21", [(sources * task.teacher_examples, training[task.name]) for task in targets]),
        _share("PanDa, 9 x 21", grid),
        _share("the teachers' one pass", [(sources * task.rows, task.forward_operations) for task in targets]),
    ]


def hours(operations: float, rate: float) -> float:
    """GPU-hours at `rate` operations per second."""
    return operations / rate / 3600


def project(rate: float, origin: str) -> str:
    """The projection as text, arithmetic shown."""
    parts = shares(paper_tasks())
    lines = [
        f"BERT-large, the paper's full grid, at {rate / 1e12:.0f} TFLOP/s ({origin})",
        "| part | examples (million) | operations (10^18) | GPU-hours |",
        "| --- | ---: | ---: | ---: |",
    ]
    total = Share("total", sum(part.examples for part in parts), sum(part.operations for part in parts))
    lines += [
        f"| {part.name} | {part.examples / 1e6:.1f} | {part.operations / 1e18:.3f} | "
        f"{hours(part.operations, rate):.2f} |"
        for part in [*parts, total]
    ]
    return "\n".join(lines)


def measured_rate() -> tuple[float, str] | None:
    """Useful operations per second that panda_ray reached on BERT-large on a GPU, and where; None without a result.

    Of several data sets and widths the median, so that no lucky one decides.
    """
    found = [
        (entry["useful_operations_per_step"] / entry["seconds_per_step"], str(result["machine"]["device"]))
        for result in read_all("limit")
        if result["machine"]["device_type"] == "cuda"
        for entry in _of_large(result)
    ]
    if not found:
        return None
    rate, device = sorted(found)[len(found) // 2]
    return rate, f"measured on {device}"


def projection() -> str:
    """The projection at the measured rate; without one, at the rate on paper."""
    rate, origin = measured_rate() or (ON_PAPER, "NOT measured: 45 % of an H200's 790 TFLOP/s on paper")
    return project(rate, origin)


def _of_large(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in result["measured"] if entry["backbone"] == "large"]


def _share(name: str, examples_and_operations: Iterable[tuple[float, float]]) -> Share:
    pairs = list(examples_and_operations)
    return Share(name, sum(examples for examples, _ in pairs), sum(examples * each for examples, each in pairs))
