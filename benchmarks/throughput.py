"""Training throughput: student examples per second of panda_ray, PEFT under a Trainer, and the released schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import geometric_mean, median
from typing import Any, Literal

from benchmarks.competitors import peft_trainer, released_schema, stacked
from benchmarks.measuring.measure import Clock, Prepare, median_rate, paired_ratios, run_in_turn
from benchmarks.workloads.setting import Setting

Rival = Literal["peft", "official"]
RIVALS: dict[Rival, Callable[[Setting], Callable[[], list[float]]]] = {
    "peft": peft_trainer.prepare,
    "official": released_schema.prepare,
}


@dataclass(frozen=True)
class Comparison:
    """One setting, measured.

    Attributes:
        rates: student examples per second in the median run, by competitor: `stacked-<width>`, `peft`, `official`;
            a width that does not fit into the device's memory is left out.
        ratios: by width and rival, the ratio of each turn.
    """

    setting: Setting
    rates: dict[str, float]
    ratios: dict[int, dict[Rival, list[float]]]

    def ratio(self, width: int, rival: Rival) -> float:
        """Median over the turns."""
        return median(self.ratios[width][rival])

    def as_json(self) -> dict[str, Any]:
        """Plain data for a results file."""
        setting = self.setting
        return {
            "backbone": setting.backbone,
            "task": setting.task,
            "method": setting.method,
            "precision": setting.precision,
            "steps": setting.steps,
            "batch_size": setting.batch_size,
            "examples_per_second": {name: round(rate, 2) for name, rate in self.rates.items()},
            "ratios": {
                str(width): {rival: [round(value, 3) for value in values] for rival, values in by_rival.items()}
                for width, by_rival in self.ratios.items()
            },
        }


def compare(
    setting: Setting,
    widths: Sequence[int],
    rivals: Sequence[Rival],
    rounds: int,
    *,
    clock: Clock = "wall",
    warm_up: bool = True,
    seconds: float = float("inf"),
) -> Comparison:
    """Run panda_ray at every width and every rival in turn; `warm_up` and `seconds` as in `run_in_turn`."""
    competitors: dict[str, Prepare] = {}
    work: dict[str, int] = {}
    for width in widths:
        competitors[_stacked(width)] = _prepare_stack(setting, width)
        work[_stacked(width)] = width * setting.student_examples
    for rival in rivals:
        competitors[rival] = _prepare_rival(setting, rival)
        work[rival] = setting.student_examples
    timings = run_in_turn(competitors, rounds, setting.device, warm_up=warm_up, seconds=seconds)
    return Comparison(
        setting,
        rates={name: median_rate(work[name], timings[name], clock) for name in timings},
        ratios={
            width: {
                rival: paired_ratios(
                    work[_stacked(width)], timings[_stacked(width)], work[rival], timings[rival], clock
                )
                for rival in rivals
            }
            for width in widths
            if _stacked(width) in timings
        },
    )


def mean_ratio(comparisons: Sequence[Comparison], width: int, rival: Rival) -> float:
    """Geometric mean over the settings of their median ratios."""
    return geometric_mean([comparison.ratio(width, rival) for comparison in comparisons])


def _stacked(width: int) -> str:
    return f"stacked-{width}"


def _prepare_stack(setting: Setting, width: int) -> Prepare:
    return lambda: stacked.prepare(setting, width)


def _prepare_rival(setting: Setting, rival: Rival) -> Prepare:
    return lambda: RIVALS[rival](setting)
