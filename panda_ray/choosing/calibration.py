"""How much a source will gain on a target that nobody trained on, from the gains on other targets.

Within a target, similarities are standardised over its sources, because a metric's values depend on the target more
than on the source. Gains follow a line whose slope is common to all targets and whose level is each target's own:
g_ts = a_t + b z_ts + e. A new target's level is one more draw, so the interval of a gain is that of a prediction with
random levels: t(G - 1) sqrt(v_a (1 + 1/G) + v_e) for G targets, by the variances between and within them. It is wide
where targets differ, and they do; few targets make it wider.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

FEWEST_TARGETS = 3
CONFIDENCE = 0.9

Evidence = Mapping[str, Mapping[str, tuple[float, float]]]
"""By target and source, the similarity and the gain in points, each a mean over seeds."""


@dataclass(frozen=True)
class Prediction:
    """A gain in points, with its interval."""

    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """What gains on other targets say of similarities.

    Attributes:
        level: mean gain of a target.
        slope: points per standard deviation of similarity over the sources of a target; never below 0, so that who
            ranks higher is never predicted to gain less.
        half_width: of the interval of any gain.
    """

    level: float
    slope: float
    half_width: float

    def predicted(self, similarities: Mapping[str, float]) -> dict[str, Prediction]:
        """Of the sources of one target, by their similarities."""
        found = {}
        for source, place in _standardised(similarities).items():
            gain = self.level + self.slope * place
            found[source] = Prediction(gain, gain - self.half_width, gain + self.half_width)
        return found


def calibrated(evidence: Evidence) -> Calibration | None:
    """A calibration from targets with two sources at least; None from fewer than three such targets."""
    from scipy.stats import t

    targets = [pairs for pairs in evidence.values() if len(pairs) > 1]
    if len(targets) < FEWEST_TARGETS:
        return None
    levels = [statistics.fmean(gain for _, gain in pairs.values()) for pairs in targets]
    points = [
        (place, pairs[source][1] - level)
        for pairs, level in zip(targets, levels, strict=True)
        for source, place in _standardised({source: similarity for source, (similarity, _) in pairs.items()}).items()
    ]
    spread = sum(place * place for place, _ in points)
    slope = max(0.0, sum(place * rest for place, rest in points) / spread) if spread else 0.0
    free = max(1, len(points) - len(targets) - 1)
    within = sum((rest - slope * place) ** 2 for place, rest in points) / free
    count = len(targets)
    between = statistics.variance(levels) * (1 + 1 / count)
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, count - 1))
    return Calibration(statistics.fmean(levels), slope, quantile * math.sqrt(between + within))


def coverage(evidence: Evidence) -> tuple[int, int] | None:
    """Gains that lie in their interval when their target is left out, and how many gains that is of.

    None where too few targets are left then.
    """
    held = of = 0
    for target, pairs in evidence.items():
        calibration = calibrated({name: others for name, others in evidence.items() if name != target})
        if calibration is None:
            return None
        predicted = calibration.predicted({source: similarity for source, (similarity, _) in pairs.items()})
        held += sum(predicted[source].low <= gain <= predicted[source].high for source, (_, gain) in pairs.items())
        of += len(pairs)
    return held, of


def _standardised(similarities: Mapping[str, float]) -> dict[str, float]:
    """In standard deviations from the mean over sources; 0 where all are equal."""
    mean, spread = statistics.fmean(similarities.values()), statistics.pstdev(similarities.values())
    return {source: (value - mean) / spread if spread else 0.0 for source, value in similarities.items()}
