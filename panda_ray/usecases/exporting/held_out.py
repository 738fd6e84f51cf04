"""How sure the score of one training is: what another dev set of that size might show, and what one answer to all does.

Shape letters: I dev items, M statistics of a measure, R replicates.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pyarrow.parquet as pq

from panda_ray.execution.store.store import Record, Store
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE
from panda_ray.reports.numbers.statistics import BOOTSTRAP_SEED, LEVEL, REPLICATES
from panda_ray.sweep import Sweep
from panda_ray.sweep.named_tasks import task_of
from panda_ray.tasks.measures.scores import reduce, reduce_samples, statistics
from panda_ray.usecases.exporting.trainings import training_of


@dataclass(frozen=True)
class HeldOut:
    """A training's score on the dev rows that count for it.

    Attributes:
        low, high: of its 95 % bootstrap interval over items; where all are right, Wilson's.
        items: that were scored.
        one_answer: the score of the commonest label for every item; None where a task has no classes.
        has_chosen: whether the epoch was chosen by these items.
    """

    record: Record
    low: float
    high: float
    items: int
    one_answer: float | None
    has_chosen: bool


def held_out(sweep: Sweep, target: str) -> HeldOut:
    """The score of the best training of a target, which `export_prompt` takes.

    Raises:
        InputError: the target has none that is done and can be exported.
    """
    store = Store(sweep.storage)
    key, record = training_of(sweep, store, None, target)
    has_classes = task_of(target, sweep.tasks).kind.has_classes
    return of_predictions(record, store.read_file(key, PREDICTIONS_FILE), has_classes)


def of_predictions(record: Record, predictions: bytes, has_classes: bool) -> HeldOut:
    """The same of a training's record and its file of predictions.

    Args:
        has_classes: whether the references are classes.
    """
    table = pq.read_table(io.BytesIO(predictions), use_threads=False)
    has_chosen = record["protocol"] == "paper"
    if not has_chosen:
        table = table.filter(np.logical_not(table["select"].to_numpy()))
    prefix = "stat_" if has_chosen else "honest_"
    columns = [table[name].to_numpy() for name in table.column_names if name.startswith(prefix)]
    statistics_IM = np.stack(columns, axis=1)
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    samples_RI = generator.integers(0, len(statistics_IM), (REPLICATES, len(statistics_IM)))
    scores_R = reduce_samples(record["measure"], statistics_IM[None], samples_RI)[0]
    low, high = np.quantile(scores_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if low == high == 100:
        low = _low_without_an_error(len(statistics_IM))
    references = [json.loads(reference) for reference in table["reference"].to_pylist()]
    one_answer = _of_one_answer(record["measure"], references) if has_classes else None
    return HeldOut(record, float(low), float(high), len(references), one_answer, has_chosen)


def _low_without_an_error(items: int) -> float:
    """Wilson's lower bound for so many right answers and no wrong one, of which a bootstrap sees no other dev set."""
    return 100 * items / (items + NormalDist().inv_cdf((1 + LEVEL) / 2) ** 2)


def _of_one_answer(measure: str, references: Sequence[int]) -> float:
    commonest, _ = Counter(references).most_common(1)[0]
    return reduce(measure, statistics(measure, [commonest] * len(references), references))
