"""The grid in stacks, one trial at a time, and by plain Ray Tune: `python -m benchmarks.searching stacking`.

Each contender is a process of its own on one core, and its figure is the CPU time that a training costs: wall time is
kept beside it, and is that of whatever else the machine does. Trials that differ in the learning rate alone cost the
same, so a contender that gains nothing from having all of them tries the middle one.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.orchestration.child import run_child
from benchmarks.searching.paper_search import BACKBONE, MAX_LEN, PROMPT_LEN, SPACE, Rows, Space, paper_search, run

TASK, ROWS = "remark", Rows(80, 100)
SEEDS = (11, 12, 13)
CONTENDERS = ("stacked", "stacked-seeds", "alone", "tune")
"""The grid with one seed, whose stacks hold three learning rates, and with three seeds; a stack per training; PEFT."""


@dataclass(frozen=True)
class Cost:
    """What one contender took.

    Attributes:
        trainings: points times seeds.
        cpu_seconds: of its process from its start, imports included; for PEFT those of its trials' processes.
        training_cpu_seconds: of the search in it alone; for PEFT of the training calls alone.
        seconds: wall time of the search.
        score: mean over the trainings, in percent.
        widths: stacks by their width.
    """

    trainings: int
    cpu_seconds: float
    training_cpu_seconds: float
    seconds: float
    score: float
    widths: Mapping[int, int]

    def per_training(self, seconds: float) -> float:
        return seconds / self.trainings


def contend(name: str, storage: str, batch_sizes: Sequence[int]) -> Cost:
    """Run one contender in this process, on the points of these batch sizes."""
    space = {**SPACE, "batch_size": batch_sizes}
    if name in ("alone", "tune"):
        space["lr"] = sorted(SPACE["lr"])[1:2]
    if name == "tune":
        return _tuned(space)
    seeds = SEEDS if name == "stacked-seeds" else SEEDS[:1]
    more = ["resources.max_stack=1"] if name == "alone" else []
    sweep = paper_search(storage, TASK, ROWS, seeds, *more, space=space)
    began = time.process_time()
    searched = run(sweep)
    values = [trial.value for trial in searched.standing.trials if trial.value is not None]
    return Cost(
        trainings=len(values) * len(seeds),
        cpu_seconds=time.process_time(),
        training_cpu_seconds=time.process_time() - began,
        seconds=searched.seconds,
        score=sum(values) / len(values),
        widths={width: searched.widths.count(width) for width in sorted(set(searched.widths))},
    )


def measure(names: Sequence[str], batch_sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Run each contender in a process of its own; after each, what all so far took, and as how many stacked ones."""
    costs: dict[str, Cost] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            answer = Path(folder, "cost.json")
            arguments = ["-m", "benchmarks.searching", "contend", name, "--storage", str(Path(folder, "store"))]
            arguments += ["--batch-sizes", *map(str, batch_sizes)]
            run_child([*arguments, "--answer", str(answer)], Path(folder, "printed"))
            costs[name] = Cost(**json.loads(answer.read_text(encoding="utf-8")))
        yield {
            "task": TASK,
            "rows": asdict(ROWS),
            "space": {**SPACE, "batch_size": list(batch_sizes)},
            "contenders": {each: asdict(cost) for each, cost in costs.items()},
            "ratios": {each: ratios(costs, each) for each in costs if each.startswith("stacked")},
        }


def ratios(costs: Mapping[str, Cost], of: str) -> dict[str, dict[str, float]]:
    """CPU time per training of each contender over that of a stacked one, with its start and without it."""
    mine = costs[of]
    return {
        name: {
            "whole": cost.per_training(cost.cpu_seconds) / mine.per_training(mine.cpu_seconds),
            "training": cost.per_training(cost.training_cpu_seconds) / mine.per_training(mine.training_cpu_seconds),
        }
        for name, cost in costs.items()
        if name != of
    }


def _tuned(space: Space) -> Cost:
    from benchmarks.searching.peft_trial import Material, TextRows
    from benchmarks.searching.plain_tune import tune
    from panda_ray.backbones.registry import model_location
    from panda_ray.tasks import TASKS
    from panda_ray.tasks.rows.loading import load_rows

    spec = TASKS.get(TASK)
    rows = load_rows(spec, max_train_rows=ROWS.train, max_dev_rows=ROWS.dev)
    train, dev = (
        TextRows([row["sentence"] for row in part], [row["label"] for row in part]) for part in (rows.train, rows.dev)
    )
    material = Material(model_location(BACKBONE), PROMPT_LEN, MAX_LEN, train, dev)
    tuned = tune(space, SEEDS[0], material)
    return Cost(
        trainings=len(tuned.scores),
        cpu_seconds=tuned.cpu_seconds,
        training_cpu_seconds=tuned.training_cpu_seconds,
        seconds=tuned.seconds,
        score=tuned.mean_score,
        widths={1: len(tuned.scores)},
    )
