"""YAML text as plain data that remembers where each value stands.

Scalars follow YAML 1.2, so that `on` (a metric) and `no` stay text and `5e-3` is a number. Only mappings, lists and
plain scalars exist: no tags, no aliases, no duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from panda_ray.errors import InputError

Path = tuple[str | int, ...]
"""Keys and list indices from the root of the file to a value."""

_TAG = "tag:yaml.org,2002:"
_SCALARS: dict[str, Callable[[str], Any]] = {
    _TAG + "null": lambda _: None,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "int": int,
    _TAG + "float": float,
    _TAG + "str": str,
}


class _Loader(yaml.SafeLoader):
    """Composes nodes only; values are made here, from the five scalar types."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc] # the stubs call it an instance's

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            mark = event.start_mark
            assert isinstance(mark, yaml.Mark), "the loader in Python marks every event"
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not supported", problem_mark=mark)
        return super().compose_node(parent, index)


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), [*_first, ""])


@dataclass
class Places:
    """Where each value of a sweep stands: `file:line`, or the `--set` that gave it."""

    of_path: dict[Path, str] = field(default_factory=dict)

    def find(self, path: Path) -> str:
        """The place of `path`, or of the nearest thing around it."""
        while path and path not in self.of_path:
            path = path[:-1]
        return self.of_path[path]

    def override(self, path: Path, place: str) -> None:
        """Everything at and below `path` now comes from `place`."""
        for known in [known for known in self.of_path if known[: len(path)] == path]:
            del self.of_path[known]
        self.of_path[path] = place


def parse_yaml(text: str, name: str) -> tuple[Any, Places]:
    """`text` as data, with the place of each value.

    Args:
        name: what places begin with; the file's path.

    Raises:
        InputError: for text that is not YAML, a duplicate key, a tag or an alias.
    """
    places = Places({(): name})
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        raise InputError(f"{place}: cannot be read: {error.problem}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{name}: cannot be read: {' '.join(str(error).split())}") from error
    return (None if node is None else _value(node, (), name, places)), places


def _value(node: yaml.Node, path: Path, name: str, places: Places) -> Any:
    place = f"{name}:{node.start_mark.line + 1}"
    places.of_path.setdefault(path, place)
    if node.tag == _TAG + "map":
        return _mapping(node, path, name, places)
    if node.tag == _TAG + "seq":
        return [_value(item, (*path, index), name, places) for index, item in enumerate(node.value)]
    if node.tag not in _SCALARS:
        raise InputError(f"{place}: the tag {node.tag!r} is not allowed in a sweep")
    return _SCALARS[node.tag](node.value)


def _mapping(node: yaml.Node, path: Path, name: str, places: Places) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = f"{name}:{key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError(f"{place}: a key must be text")
        key = key_node.value
        if key in values:
            raise InputError(f"{place}: the key {key!r} is given twice")
        places.of_path[(*path, key)] = place
        values[key] = _value(value_node, (*path, key), name, places)
    return values
