"""Rows of a built-in task: different from each other, and the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import LEXICON, Lexicon

MakeRow = Callable[[Draw, Lexicon], dict[str, Any]]
"""Makes one labelled row from a stream of choices and the words that it may use."""


def generator(
    name: str,
    make_row: MakeRow,
    train_rows: int,
    dev_rows: int,
    *,
    held_out_words: bool = False,
    lexicon: Lexicon = LEXICON,
) -> Callable[[str], list[dict[str, Any]]]:
    """The `generate` of a task: its rows for "train" or "validation".

    Args:
        name: seeds the rows.
        held_out_words: training rows use one half of the lexicon and dev rows the other, so that what was learned about
            single words is of no use.
        lexicon: the words, in the order by which they are halved.
    """

    def generate(split: str) -> list[dict[str, Any]]:
        counts = {"train": train_rows, "validation": dev_rows}
        lexicons = {"train": lexicon.half(0), "validation": lexicon.half(1)} if held_out_words else {}
        seen: set[str] = set()
        rows: dict[str, list[dict[str, Any]]] = {}
        for part, count in counts.items():
            draw = Draw(f"{name} {part}")
            rows[part] = [_new_row(make_row, draw, lexicons.get(part, lexicon), seen) for _ in range(count)]
        return rows[split]

    return generate


def _new_row(make_row: MakeRow, draw: Draw, lexicon: Lexicon, seen: set[str]) -> dict[str, Any]:
    """The next row that differs from all in `seen` by more than its label."""
    while True:
        row = make_row(draw, lexicon)
        text = repr([value for column, value in row.items() if column in TEXT_COLUMNS])
        if text not in seen:
            seen.add(text)
            return row


TEXT_COLUMNS = frozenset(
    ("sentence", "sentence1", "sentence2", "premise", "choice1", "choice2", "tokens", "context", "question")
)
