"""The site's page of keys has every key of the schema; every page is in the menu, with links that lead on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from panda_ray.methods import METHODS
from scripts.docs_site import KEYS, SCHEMA, keys_page

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
SET = re.compile(r"--set [\w.]+=[\[{]")
"""An option that zsh would read as a pattern."""


def test_every_key_has_a_row_with_what_it_may_be() -> None:
    schema = json.loads(SCHEMA.read_text())
    rows = [line.split(" | ") for line in keys_page(schema).splitlines() if line.startswith("| `")]
    parts = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]
    keys = [key for part in parts for key in part["properties"]]
    assert len(keys) > 100
    assert [row[0] for row in rows] == [f"| `{key}`" for key in keys]
    assert all(len(row) == 4 and row[1] != "anything" for row in rows if row[0] not in ("| `values`", "| `options`"))


def test_values_bounds_and_defaults_are_those_of_the_schema() -> None:
    schema = json.loads(SCHEMA.read_text())
    page = keys_page(schema)
    [prompt_len] = [line for line in page.splitlines() if line.startswith("| `prompt_len`")]
    default = schema["$defs"]["TrainingSection"]["properties"]["prompt_len"]["default"]
    assert f"whole number ≥ 1 | `{default}`" in prompt_len
    assert "| `name` | text | required | Name of the study" in page
    assert "| `tasks` | per name: [Task section](#task-section) |" in page
    assert "or list of (name of a task or list of name of a task) | required |" in page


def entries(menu: Any) -> list[str]:
    """Files of a menu, in their order."""
    if isinstance(menu, str):
        return [menu]
    return [file for entry in (menu.values() if isinstance(menu, dict) else menu) for file in entries(entry)]


def test_every_page_is_in_the_menu_once() -> None:
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted(entries(menu)) == sorted([KEYS, *(page.name for page in PAGES)])


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.name)
def test_options_with_brackets_are_quoted(page: Path) -> None:
    assert not SET.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (DOCS / target).exists() or target == KEYS, target


def test_every_method_has_a_row_with_how_many_sources_it_takes() -> None:
    rows = [line.split(" | ") for line in (DOCS / "methods.md").read_text(encoding="utf-8").splitlines()]
    takes = {row[0].strip("| `"): row[1] for row in rows if row[0].startswith("| `")}
    assert takes == {method.name: method.sources for method in METHODS if method.listed}
