"""What a table shows and a sweep has not: found by laying the table out, and noting what it asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Answer, Axes, Quantity
from panda_ray.reports.reproduction.value import Value


class Asked:
    """`Numbers` that has none, and notes which cells a table asks for.

    Attributes:
        cells: backbone, label of the method, sources, target.
    """

    def __init__(self) -> None:
        self.cells: set[tuple[str, str, str, str]] = set()

    def score(self, backbone: str, method: str, sources: str, target: str) -> Value | None:
        self.cells.add((backbone, method, sources, target))
        return None

    def first_epoch(self, backbone: str, method: str, sources: str, target: str) -> Value | None:
        return self.score(backbone, method, sources, target)

    def similarity(self, _backbone: str, _metric: str, _source: str, _target: str) -> Value | None:
        return None

    def cost(self, _quantity: Quantity, backbone: str, method: str, sources: str, target: str) -> Value | None:
        return self.score(backbone, method, sources, target)

    def answers(self, backbone: str, method: str, sources: str, target: str) -> Mapping[int, Sequence[Answer]]:
        self.score(backbone, method, sources, target)
        return {}

    def interval(self, _backbones: Sequence[str], _method: str, _reference: str) -> tuple[float, float] | None:
        return None

    def stated(self, *_name: str) -> Value | None:
        return None

    def erratum(self, _where: str, _method: str, _row: str, _column: str) -> str:
        return ""


def asked_by(artefact: Artefact, axes: Axes) -> set[tuple[str, str, str, str]]:
    """The cells that an artefact shows, or computes what it shows from."""
    asked = Asked()
    artefact.tables(asked, axes)
    return asked.cells


def missing_cells(artefact: Artefact, axes: Axes, labels: Collection[str]) -> dict[str, int]:
    """How many of these cells no method of the sweep gives, by the label that the paper's sweeps would have for it.

    Args:
        labels: of the sweep's methods.
    """
    return dict(Counter(method for _, method, _, _ in sorted(asked_by(artefact, axes)) if method not in labels))
