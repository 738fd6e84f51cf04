"""Means over seeds with intervals, and differences between metrics with a correction for how many are compared.

Intervals are Student's: a bootstrap of few seeds is too narrow. Differences are paired by seed; for m of them each
interval holds with 1 - 0.05 / m (Bonferroni).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from scipy.stats import t as student

from panda_ray.reports.numbers.choosing import Choosing

CONTROL = "constant"


@dataclass(frozen=True)
class Mean:
    """A mean over seeds and its interval; without width where there is one seed."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.mean:.1f}"
        return f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}]"


def mean_of(values: Sequence[float], level: float = 0.95) -> Mean:
    """Student's interval of the mean."""
    middle = statistics.fmean(values)
    if len(values) < 2:
        return Mean(middle, middle, middle)
    half = float(student.ppf((1 + level) / 2, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return Mean(middle, middle - half, middle + half)


COLUMNS: Mapping[str, Callable[[Choosing], float | None]] = {
    "regret@1": lambda choosing: choosing.mean_regret(1),
    "regret@3": lambda choosing: choosing.mean_regret(3),
    "regret@5": lambda choosing: choosing.mean_regret(5),
    "gain of the first choice": lambda choosing: choosing.mean_gain,
    "worst first choice": lambda choosing: choosing.worst[1] if choosing.worst else None,
}
"""What is measured of each seed: means over targets, and the gain where the first choice helps least."""

Figures = Mapping[str, Mapping[str, Sequence[float]]]
"""By metric and column, one number per seed, in the order of the seeds."""


def figures(by_seed: Mapping[int, Mapping[str, Choosing]]) -> Figures:
    """Columns that a grid is too small for are left out."""
    metrics = dict.fromkeys(metric for each in by_seed.values() for metric in each)
    found: dict[str, dict[str, list[float]]] = {metric: {} for metric in metrics}
    for metric, name in product(metrics, COLUMNS):
        values = [COLUMNS[name](each[metric]) for each in by_seed.values()]
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            found[metric][name] = known
    return found


def table(by_metric: Figures, seconds: Mapping[str, float]) -> str:
    """Markdown, least regret first."""
    lines = [f"| metric | {' | '.join(COLUMNS)} | seconds |", f"| --- |{' ---: |' * (len(COLUMNS) + 1)}"]
    for metric in sorted(by_metric, key=lambda name: statistics.fmean(by_metric[name]["regret@1"])):
        cells = [str(mean_of(by_metric[metric][name])) if name in by_metric[metric] else "" for name in COLUMNS]
        taken = f"{seconds[metric]:.2f}" if metric in seconds else ""
        lines.append(f"| `{metric}` | {' | '.join(cells)} | {taken} |")
    return "\n".join(lines) + "\n"


def compared_with(by_metric: Figures, other: str) -> str:
    """Regret@1 less that of another metric, of every metric but the control."""
    compared = [metric for metric in by_metric if metric not in (other, CONTROL)]
    level = 1 - 0.05 / len(compared)
    lines = [f"regret@1 less that of {other}, {100 * level:.1f} % intervals for {len(compared)} comparisons:"]
    for metric in compared:
        pairs = zip(by_metric[metric]["regret@1"], by_metric[other]["regret@1"], strict=True)
        lines.append(f"  {metric}: {mean_of([own - theirs for own, theirs in pairs], level)}")
    return "\n".join(lines)
