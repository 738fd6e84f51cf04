"""How fast one device is, fitted to what finished stacks took there.

A stack takes `start + overhead * launches + operations / rate`: what a layer's launch costs does not depend on the
width, so that the rate that is seen saturates with the rows of a step (rows / (rows + half), where half are the rows
whose operations take as long as the launches). Where a backbone, or a task on it, was measured, its own ratio of
measured to fitted seconds is applied on top.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Literal

from panda_ray.execution.costs.samples import Device, EmbeddingSample, Sample
from panda_ray.execution.costs.workload import Work

Basis = Literal["measured", "extrapolated", "assumed"]
"""Where an estimate comes from: records of this backbone and task on this device; by operation count from others on
this device; or nothing but the constants below."""

ASSUMED_OVERHEAD = 4e-4
"""Seconds per layer and step: about 45 kernels, forward and backward, of some 8 microseconds each."""
ASSUMED_GPU_RATE = {"bf16": 1e14, "fp32": 1e13}
"""Operations per second of a data-centre GPU in ordinary use: a third of an A100's bf16 peak, half of its fp32 peak."""
ASSUMED_CPU_RATE = 2e10
"""Operations per second and thread of a server's core in ordinary use."""
ASSUMED_START = 3.0
"""Seconds in which a stack loads its backbone and encodes its task."""
ASSUMED_EFFICIENCY = 0.9
"""Share of each worker's rate that is left when several train together."""

_SPREAD = 1.5
"""Least ratio between the widest and the narrowest launch that separates overhead from rate."""
_MOST_OVERHEAD = 0.5
"""Share of the measured seconds that an assumed overhead may explain."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of a stack, and what they are known from."""

    seconds: float
    basis: Basis


class Speeds:
    """Seconds of work on one device.

    Args:
        samples: of finished stacks; those of other devices are left out. Without any, the assumed constants hold.
    """

    def __init__(self, device: Device, samples: Sequence[Sample]) -> None:
        self.device = device
        samples = [sample for sample in samples if sample.device == device]
        self._measured = bool(samples)
        alone = [sample for sample in samples if sample.workers == 1]
        self._efficiency = ASSUMED_EFFICIENCY
        self._overhead, self._per_operation = self._fit(alone or samples)
        if alone:
            self._efficiency = self._fit_efficiency([sample for sample in samples if sample.workers > 1])
        self._factor_of_pair = self._factors(samples, lambda sample: (sample.backbone, sample.task))
        self._factor_of_backbone = self._factors(samples, lambda sample: sample.backbone)
        self._start_of: dict[str | None, float] = _starts(samples)

    def training(self, backbone: str, task: str, work: Work, workers: int) -> Estimate:
        """Seconds of a stack of trainings."""
        factor, basis = self._factor(backbone, task)
        start = self._start_of.get(backbone, self._start_of.get(None, ASSUMED_START))
        return Estimate(start + factor * self._fitted(work, workers), basis)

    def forward(self, backbone: str, task: str, work: Work) -> Estimate:
        """Seconds of forward passes that were not measured themselves, such as those of an embedding."""
        factor, basis = self._factor(backbone, task)
        return Estimate(factor * self._fitted(work, 1), "extrapolated" if basis == "measured" else basis)

    def _factor(self, backbone: str, task: str) -> tuple[float, Basis]:
        if (backbone, task) in self._factor_of_pair:
            return self._factor_of_pair[backbone, task], "measured"
        return self._factor_of_backbone.get(backbone, 1.0), "extrapolated" if self._measured else "assumed"

    def _fitted(self, work: Work, workers: int) -> float:
        return self._overhead * work.launches + self._per_operation * work.operations / self._share(workers)

    def _share(self, workers: int) -> float:
        """How many times the rate of one worker several have."""
        return 1.0 if workers == 1 else workers * self._efficiency

    def _fit(self, samples: Sequence[Sample]) -> tuple[float, float]:
        """Seconds per launch and per operation, neither below 0, that give the measured seconds in sum."""
        if not samples:
            return ASSUMED_OVERHEAD, 1 / _assumed_rate(self.device)
        points = [
            (sample.work.launches, sample.work.operations / self._share(sample.workers), sample.seconds)
            for sample in samples
        ]
        sizes = [operations / launches for launches, operations, _ in points]
        if max(sizes) > _SPREAD * min(sizes):
            overhead, per_operation = _least_squares(points)
            if overhead >= 0 and per_operation > 0:
                return _with_right_sum(points, overhead, per_operation)
            if per_operation > 0:
                return 0.0, _rate_beside(points, 0.0)
        most = min(_MOST_OVERHEAD * seconds / launches for launches, _, seconds in points)
        overhead = min(ASSUMED_OVERHEAD, most)
        return overhead, _rate_beside(points, overhead)

    def _fit_efficiency(self, samples: Iterable[Sample]) -> float:
        """Share of the workers' rates that stacks of several workers reached."""
        found = []
        for sample in samples:
            left = sample.seconds - self._overhead * sample.work.launches
            if left > 0:
                found.append(self._per_operation * sample.work.operations / left / sample.workers)
        return median(found) if found else ASSUMED_EFFICIENCY

    def _factors(self, samples: Iterable[Sample], address: Callable[[Sample], Any]) -> dict[Any, float]:
        """Measured over fitted seconds of the samples at each address."""
        sums: dict[Any, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for sample in samples:
            sums[address(sample)][0] += sample.seconds
            sums[address(sample)][1] += self._fitted(sample.work, sample.workers)
        return {key: measured / fitted for key, (measured, fitted) in sums.items()}


def embedding_seconds(samples: Iterable[EmbeddingSample], device: Device) -> dict[tuple[str, ...], float]:
    """Mean seconds of one embedding on a device, by (backbone, task, metric) and by (backbone, metric)."""
    found: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for sample in samples:
        if sample.device == device:
            found[sample.backbone, sample.task, sample.metric].append(sample.seconds)
            found[sample.backbone, sample.metric].append(sample.seconds)
    return {address: fmean(seconds) for address, seconds in found.items()}


def _starts(samples: Iterable[Sample]) -> dict[str | None, float]:
    """Mean seconds around a training, by backbone and (None) over all."""
    found: dict[str | None, list[float]] = defaultdict(list)
    for sample in samples:
        if sample.start is not None:
            found[sample.backbone].append(sample.start)
            found[None].append(sample.start)
    return {name: fmean(seconds) for name, seconds in found.items()}


def _assumed_rate(device: Device) -> float:
    return ASSUMED_GPU_RATE[device.precision] if device.is_gpu else ASSUMED_CPU_RATE * device.threads


def _rate_beside(points: Sequence[tuple[float, float, float]], overhead: float) -> float:
    """Seconds per operation that explain, together with a given overhead, the sum of the measured seconds."""
    left = sum(seconds - overhead * launches for launches, _, seconds in points)
    return left / sum(operations for _, operations, _ in points)


def _with_right_sum(
    points: Sequence[tuple[float, float, float]], overhead: float, per_operation: float
) -> tuple[float, float]:
    """Both factors scaled to the sum of the measured seconds: least relative errors alone favour the fast samples."""
    fitted = sum(launches * overhead + operations * per_operation for launches, operations, _ in points)
    scale = sum(seconds for _, _, seconds in points) / fitted
    return scale * overhead, scale * per_operation


def _least_squares(points: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """The two factors that bring `launches * a + operations * b` closest to the seconds, in relative terms."""
    scaled = [(launches / seconds, operations / seconds) for launches, operations, seconds in points]
    xx = sum(x * x for x, _ in scaled)
    yy = sum(y * y for _, y in scaled)
    xy = sum(x * y for x, y in scaled)
    x1, y1 = sum(x for x, _ in scaled), sum(y for _, y in scaled)
    determinant = xx * yy - xy * xy
    if determinant <= 1e-12 * xx * yy:
        return -1.0, -1.0
    return (x1 * yy - y1 * xy) / determinant, (y1 * xx - x1 * xy) / determinant
