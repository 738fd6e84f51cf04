"""Sentences on stdout: whole words on a terminal, whole lines for a pipe."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from panda_ray.cli import console

SENTENCE = "pot against prompt tuning: [b]helps[/b] on 12 of 45 transfers and harms on none of the others"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_sentence_is_broken_at_words_on_a_terminal_alone(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(console, "stdout", Console(file=written, force_terminal=is_terminal, width=30, highlight=False))
    console.print_sentence(SENTENCE)
    lines = written.getvalue().splitlines()
    assert " ".join(line.strip() for line in lines) == SENTENCE
    assert (len(lines) > 1) == is_terminal
    assert not is_terminal or all(len(line) <= 30 for line in lines)
