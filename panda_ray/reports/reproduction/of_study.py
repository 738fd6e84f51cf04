"""A study's numbers as a source of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from panda_ray.reports.numbers.analysis import scored_items
from panda_ray.reports.numbers.frame import grid_of
from panda_ray.reports.numbers.gains import transfer_gains
from panda_ray.reports.numbers.statistics import REPLICATES, Bootstrap
from panda_ray.reports.reproduction.asked import Answer, Quantity
from panda_ray.reports.reproduction.stored import Stored
from panda_ray.reports.reproduction.value import Value
from panda_ray.tracking.reading.study import Study


class StudyNumbers:
    """What a study has; see `Numbers`. It states nothing without its cells, and has no errata.

    Args:
        stored: what the study's runs do not tell of its cells.
    """

    def __init__(self, study: Study, stored: Stored) -> None:
        self._study, self._stored = study, stored
        self._columns: dict[str, dict[tuple[str, str, str, str], Value]] = {}

    def score(self, backbone: str, method: str, sources: str, target: str) -> Value | None:
        return self._scores("score").get((backbone, method, sources, target))

    def first_epoch(self, backbone: str, method: str, sources: str, target: str) -> Value | None:
        return self._scores("score_first_epoch").get((backbone, method, sources, target))

    def similarity(self, backbone: str, metric: str, source: str, target: str) -> Value | None:
        return self._similarities.get((backbone, metric, source, target))

    def cost(self, quantity: Quantity, backbone: str, method: str, sources: str, target: str) -> Value | None:
        by_seed = self._stored.costs(quantity, backbone, method, sources, target)
        return Value(by_seed, self._study.cells["seed"].nunique()) if by_seed else None

    def answers(self, backbone: str, method: str, sources: str, target: str) -> Mapping[int, Sequence[Answer]]:
        return self._stored.answers(backbone, method, sources, target)

    def interval(self, backbones: Sequence[str], method: str, reference: str) -> tuple[float, float] | None:
        compared = {
            (gain.target, f"{backbone} {gain.sources}", seed): units
            for backbone in backbones
            for gain in transfer_gains(grid_of(self._study, backbone), reference, method, self._bootstrap)
            for seed, units in gain.keys.items()
        }
        known = self._bootstrap.difference(compared)
        return None if known is None else (known.low, known.high)

    def stated(self, *_name: str) -> Value | None:
        return None

    def erratum(self, _where: str, _method: str, _row: str, _column: str) -> str:
        return ""

    @cached_property
    def _bootstrap(self) -> Bootstrap:
        """Of the units of all backbones, which answered the same dev items."""
        items = [scored_items(self._study, backbone) for backbone in self._study.backbones]
        return Bootstrap({key: scored for of in items for key, scored in of.items()}, REPLICATES)

    def _scores(self, column: str) -> dict[tuple[str, str, str, str], Value]:
        if column not in self._columns:
            self._columns[column] = {
                (backbone, *name): Value(cell.by_seed, cell.expected)
                for backbone in self._study.backbones
                for name, cell in grid_of(self._study, backbone, column).items()
            }
        return self._columns[column]

    @cached_property
    def _similarities(self) -> dict[tuple[str, str, str, str], Value]:
        names = ["backbone", "metric", "source", "target"]
        seeds = self._study.cells["seed"].nunique()
        return {
            (str(backbone), str(metric), str(source), str(target)): Value(
                dict(zip(rows["seed"], rows["similarity"], strict=True)), seeds
            )
            for (backbone, metric, source, target), rows in self._study.similarity.groupby(names, sort=False)
        }
