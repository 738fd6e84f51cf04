"""docs/cluster.md: its commands exist with the options it gives them, and so do the files it names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from panda_ray.cli.app import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "cluster.md").read_text()
LINES = [line for block in re.findall(r"(?ms)^```sh\n(.*?)^```", TEXT) for line in block.splitlines()]
COMMANDS = [line.partition(" #")[0].rstrip() for line in LINES if line.startswith("panda-ray ")]
OTHERS = {"my_study.yaml", "sweep.yaml", "storage.env"}
"""Files that are the reader's own."""


def parse(words: list[str]) -> None:
    """Everything that the program does with a command line before it runs it."""
    program = typer.main.get_command(app)
    context = program.context_class(program, info_name="panda-ray")
    while isinstance(program, TyperGroup):
        name, command, words = program.resolve_command(context, words)
        assert command is not None
        program = command
        context = program.make_context(name, list(words), parent=context)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_exists_with_its_options(line: str) -> None:
    parse(shlex.split(line)[1:])


@pytest.mark.parametrize("line", ["panda-ray pln my_study.yaml", "panda-ray plan my_study.yaml --simulte gpus=8"])
def test_a_misspelt_one_would_be_noticed(line: str) -> None:
    with pytest.raises(Exception, match=r"No such (command|option)"):
        parse(shlex.split(line)[1:])


def test_every_file_that_is_named_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    named = set(re.findall(r"[\w./-]+\.(?:yaml|sh|txt|env)\b", "\n".join(LINES))) | set(
        re.findall(r"\bclusters/\w+", TEXT)
    )
    assert len(named) > 5
    assert {name for name in named - OTHERS if not list(ROOT.glob(f"{name}*"))} == set()


def test_every_cluster_file_is_described() -> None:
    files = {path.name for path in (ROOT / "clusters").iterdir()}
    assert {name for name in files if f"clusters/{name}" not in TEXT} == set()
    assert "cluster.yaml" in TEXT


def test_every_error_in_the_table_is_one_that_is_said() -> None:
    table = TEXT.partition("## When something does not work")[2].partition("\n## ")[0]
    said = [row.split("|")[1].strip() for row in table.splitlines() if row.startswith("|")][2:]
    assert said
    sources = [*sorted((ROOT / "panda_ray").rglob("*.py")), *(ROOT / "clusters").glob("*.sh")]
    text = re.sub(r'"\s*\n\s*f?"', "", "\n".join(path.read_text() for path in sources))  # literals over several lines
    parts = {
        part.strip() for error in said for part in re.split(r"\.\.\.|slurm\.sh:|'[^']*'", error) if part.strip(" ;")
    }
    assert {part for part in parts if part not in text} == set()
