"""One meaning per word (docs/notation.md), as far as the source shows it."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import panda_ray

ROOT = Path(panda_ray.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
TEXTS = [*(path for end in ("py", "j2", "yaml") for path in sorted(ROOT.rglob(f"*.{end}"))), ROOT.parent / "README.md"]

ONE_IDEA = {
    "encoded": {"tasks", "tasks/caching"},
    "loading": {"backbones", "tasks/rows"},
    "plan": {"execution/planning", "usecases", "cli/commands"},
    "registry": {".", "backbones", "metrics"},
}
"""Basenames that several rooms have, because they hold the same idea there."""

GIVEN_UP = {
    "signature": "embedding",
    "tokens_RTD": "hidden_RTD",
    "task metric": "measure",
    "PairGain": "TransferGain",
}
"""Words that had another one beside them, which stayed."""


def test_files_of_one_basename_hold_one_idea_or_are_a_command_and_its_use_case() -> None:
    rooms = defaultdict(set)
    for path in MODULES:
        rooms[path.stem].add(path.parent.relative_to(ROOT).as_posix())
    shared = {name: found for name, found in rooms.items() if len(found) > 1 and name not in ("__init__", "__main__")}
    astray = {name: found for name, found in shared.items() if found != ONE_IDEA.get(name) and not is_a_command(found)}
    assert not astray, "say in the name of each what it owns"
    assert shared.keys() >= ONE_IDEA.keys(), "the table names files that are gone"


def test_no_two_test_files_have_one_basename() -> None:
    """Pytest imports them by it: of two it collects the first, and ends with an error when all the others have run."""
    found = Counter(path.name for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert not [name for name, times in found.items() if times > 1]


def is_a_command(rooms: set[str]) -> bool:
    """Whether two rooms are one of the commands and the one of their use cases."""
    inside = {
        room.removeprefix(layer) for layer in ("cli/commands", "usecases") for room in rooms if room.startswith(layer)
    }
    return len(rooms) == 2 and len(inside) == 1


@pytest.mark.parametrize("word", GIVEN_UP)
def test_words_that_were_given_up_do_not_come_back(word: str) -> None:
    found = [path for path in TEXTS if re.search(word, path.read_text(encoding="utf-8"), re.IGNORECASE)]
    assert not found, f"write {GIVEN_UP[word]!r}"


def test_a_task_has_a_measure_and_no_metric() -> None:
    found = [path for path in MODULES if ROOT / "tasks" in path.parents and re.search(r"(?i)metric", path.read_text())]
    assert not found


@pytest.mark.parametrize("path", [path for path in MODULES if ROOT / "tasks" not in path.parents], ids=str)
def test_nothing_but_a_task_has_a_kind(path: Path) -> None:
    astray = [line for line, annotation in kinds_of(path) if annotation not in ("TaskKind", "KindName | None")]
    assert not astray, f"{path}, lines {astray}: name what it is"


def kinds_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and annotation of every argument and attribute that is called so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        named = (isinstance(node, ast.arg) and node.arg == "kind") or (
            isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "kind"
        )
        if named:
            assert isinstance(node, ast.arg | ast.AnnAssign)
            yield node.lineno, ast.unparse(node.annotation) if node.annotation else ""


def test_walk_sees_kinds() -> None:
    assert {"TaskKind"} < {kind for path in MODULES for _, kind in kinds_of(path)}
