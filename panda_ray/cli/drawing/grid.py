"""The grid as coloured characters: a row per source, a block of target columns per method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from panda_ray.execution.planning.states import CellState, State

_MARKS: Mapping[State, tuple[str, str]] = {
    "done": ("■", "green"),
    "running": ("▶", "yellow"),
    "failed": ("✗", "bold red"),
    "blocked": ("!", "red"),
    "stopped": ("-", "dim"),
    "waiting": ("·", "dim"),
}
_NO_SOURCE = "(no source)"
_GAP = "   "


def render_grid(grid: Sequence[CellState], tasks: Sequence[str], wanted: Sequence[str], backbone: str) -> Text:
    """One backbone's part of the grid; several seeds of a cell share a character.

    Args:
        tasks: that are sources, alone or among others, in the order of their rows.
        wanted: targets, in the order of their columns.
    """
    from panda_ray.execution.planning.states import combined

    cells: dict[tuple[str, str, str], list[State]] = {}
    for cell in grid:
        if cell.backbone == backbone:
            cells.setdefault((cell.method, cell.sources, cell.target), []).append(cell.state)
    methods = list(dict.fromkeys(method for method, _, _ in cells))
    found = list(dict.fromkeys(source for _, source, _ in cells))
    order = ["", *tasks, *(source for source in found if source and source not in tasks)]
    sources = sorted(found, key=order.index)
    targets = {name: [t for t in wanted if any((name, s, t) in cells for s in sources)] for name in methods}
    names = {source: source or _NO_SOURCE for source in sources}
    margin = max(map(len, names.values()))
    text = _heading(targets, margin)
    for source in sources:
        text.append(names[source].ljust(margin), "none" if source else "dim")
        for method in methods:
            text.append(_GAP)
            for position, target in enumerate(targets[method]):
                states = cells.get((method, source, target))
                text.append(" " if position else "")
                text.append(*(_MARKS[combined(states)] if states else (" ", "none")))
            text.append(" " * (_width(method, targets[method]) - 2 * len(targets[method]) + 1))
        text.append("\n")
    return text


def legend() -> Text:
    """What the characters mean."""
    text = Text()
    for state, mark in _MARKS.items():
        text.append(*mark)
        text.append(f" {state}   ")
    return text


def _width(method: str, targets: list[str]) -> int:
    """Columns of a method's block."""
    return max(len(method), 2 * len(targets) - 1)


def _heading(targets: Mapping[str, list[str]], margin: int) -> Text:
    """Names of the methods, and under them the targets, written downwards."""
    text = Text(" " * margin)
    for method in targets:
        text.append(_GAP)
        text.append(method.ljust(_width(method, targets[method])), "bold")
    text.append("\n")
    depth = max(len(target) for names in targets.values() for target in names)
    for row in range(depth):
        text.append(" " * margin)
        for method, names in targets.items():
            letters = " ".join(name[row : row + 1] or " " for name in names)
            text.append(_GAP + letters.ljust(_width(method, names)), "dim")
        text.append("\n")
    return text
