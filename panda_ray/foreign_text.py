"""Names, labels and messages that other people wrote, made harmless for what reads them: a spreadsheet, Markdown, XML.

Numbers never come here: a negative score is no formula.
"""

from __future__ import annotations

import hashlib
import re

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula."""

_MARKDOWN = re.compile(r"([\\`*\[\]<>&|~$!#@^]|(?<![^\W_])_|_(?![^\W_]))")
"""Signs that mean something to Markdown; an underscore inside a word does not."""

_BLOCK = re.compile(r"^([-+=:]|\d+[.)](?!\S))")
"""What begins a list or a rule."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

_LONGEST_NAME = 100


def one_line(text: str) -> str:
    """The text without line breaks and without characters that XML or a terminal does not take."""
    return "".join(character if character.isprintable() else " " for character in text)


def spreadsheet_text(text: str) -> str:
    """A cell that no spreadsheet evaluates: an apostrophe before what would begin a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA) else text


def markdown_text(text: str) -> str:
    """The text as Markdown that shows it and does nothing else, also in the cell of a table."""
    escaped = _MARKDOWN.sub(lambda sign: _ENTITIES.get(sign[0], "\\" + sign[0]), one_line(text).strip())
    escaped = _BLOCK.sub(lambda start: start[0][:-1] + "\\" + start[0][-1], escaped)
    return re.sub(r"(?i)(://|\bwww\.)", lambda address: address[0].replace(":", "\\:").replace(".", "\\."), escaped)


def drawn_text(text: str) -> str:
    """A label of a figure: Matplotlib leaves one that begins with an underscore out of legends."""
    line = one_line(text)
    return f"\u200b{line}" if line.startswith("_") else line


def file_name(text: str) -> str:
    """The text as part of a file's name; two texts never have the same."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", text)
    if plain == text and len(plain) <= _LONGEST_NAME:
        return plain
    return f"{plain[:_LONGEST_NAME]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
