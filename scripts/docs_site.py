"""Hooks of MkDocs: the page of every key of a sweep file, links that leave docs/, a site that asks no other host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "panda_ray" / "sweeps" / "schema.json"
KEYS = "keys.md"

_LEAVING = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>\.\./[^)#]+)(#[^)]*)?\)")
_ASKING = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"'](?:https?:)?//|<link\b[^>]*\bhref=[\"'](?:https?:)?//"
)
_FEW = 12
"""Allowed values that are listed; of more, the command that lists them is in the description."""


def on_files(files: Any, config: Any) -> Any:
    """Add the page that is made of the schema."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, KEYS, content=keys_page(json.loads(SCHEMA.read_text(encoding="utf-8")))))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Files beside docs/ are no pages: their links become their paths in the repository, if they exist."""
    return _LEAVING.sub(lambda found: _as_path(found, page.file.src_uri), markdown)


def on_post_build(config: Any, **_: Any) -> None:
    """Refuse a site whose pages would fetch something from elsewhere."""
    from mkdocs.exceptions import PluginError

    for path in sorted(Path(config["site_dir"]).rglob("*.html")):
        if (asking := _ASKING.search(path.read_text(encoding="utf-8"))) is not None:
            raise PluginError(f"{path} asks another host: {asking.group()}")


def _as_path(found: re.Match[str], page: str) -> str:
    from mkdocs.exceptions import PluginError

    target = (ROOT / "docs" / page).parent / found["path"]
    if not target.exists():
        raise PluginError(f"{page} links to {found['path']}, which does not exist")
    path = f"`{target.resolve().relative_to(ROOT).as_posix()}`"
    return found["text"] if found["text"].strip("`") == path.strip("`") else f"{found['text']} ({path})"


def keys_page(schema: Mapping[str, Any]) -> str:
    """Every key of a sweep file as Markdown, a section for each part of the schema."""
    sections = {"The file": schema, **{_title(name): part for name, part in _parts(schema)}}
    lines = ["# Every key of a sweep file", "", schema["description"], ""]
    for title, part in sections.items():
        lines += [f"## {title}", ""]
        if title != "The file" and "description" in part:
            lines += [_line(part["description"]), ""]
        required = part.get("required", part.get("then", {}).get("required", ()))
        lines += ["| key | value | unless given | |", "| --- | --- | --- | --- |"]
        for key, said in part["properties"].items():
            default = "required" if key in required else _default(said)
            lines.append(f"| `{key}` | {_values(said)} | {default} | {_line(said.get('description', ''))} |")
        lines.append("")
    return "\n".join(lines)


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, part) for name, part in schema["$defs"].items() if "properties" in part)


def _title(name: str) -> str:
    """`TrainingSection` is `Training section`."""
    first, *rest = re.findall(r"[A-Z][a-z]*", name)
    return " ".join([first, *(word.lower() for word in rest)])


def _values(said: Mapping[str, Any]) -> str:
    """What may stand there, in words."""
    if (reference := said.get("$ref")) is not None:
        name = reference.rpartition("/")[2]
        return (
            "name of a task" if name == "TaskName" else f"[{_title(name)}](#{_title(name).lower().replace(' ', '-')})"
        )
    if "const" in said:
        return f"`{json.dumps(said['const'])}`"
    if "enum" in said:
        return ", ".join(f"`{value}`" for value in said["enum"]) if len(said["enum"]) <= _FEW else "a name"
    return _form(said)


def _form(said: Mapping[str, Any]) -> str:
    """Likewise, of what is neither named elsewhere nor listed."""
    if "anyOf" in said:
        return " or ".join(dict.fromkeys(_values(each) for each in said["anyOf"] if each.get("type") != "null"))
    if "allOf" in said:
        return _values(said["allOf"][0])
    if said.get("type") == "array":
        inner = said.get("items", {})
        return f"list of ({_values(inner)})" if "anyOf" in inner else f"list of {_values(inner)}"
    if said.get("type") == "object":
        inner = said.get("additionalProperties")
        return f"per name: {_values(inner)}" if isinstance(inner, dict) else "mapping"
    words = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true` or `false`"}
    return words.get(str(said.get("type")), "anything") + _bounds(said)


def _bounds(said: Mapping[str, Any]) -> str:
    signs = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    found = [f"{sign} {said[name]:g}" for name, sign in signs.items() if name in said]
    return f" {' and '.join(found)}" if found else ""


def _default(said: Mapping[str, Any]) -> str:
    value = said.get("default")
    return "" if value is None or value in ({}, []) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _line(text: str) -> str:
    """One line that a cell of a table can hold."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
