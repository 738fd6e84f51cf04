"""YAML text as plain data that remembers where each value stands.

Scalars follow YAML 1.2, so that `on` (a metric) and `no` stay text and `5e-3` is a number. Only mappings, lists and
plain scalars exist: no tags, no aliases, no duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml
from yaml.reader import ReaderError

from panda_ray.errors import InputError, shown

Path = tuple[str | int, ...]
"""Keys and list indices from the root of the file to a value."""

MOST_LEVELS = 32
"""Mappings and lists inside each other, at the most."""

_MOST_DIGITS = 100
"""Characters of a number."""

_SURROGATE = re.compile("[\ud800-\udfff]")

_TAG = "tag:yaml.org,2002:"
_SCALARS: dict[str, Callable[[str], Any]] = {
    _TAG + "null": lambda _: None,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "int": int,
    _TAG + "float": float,
    _TAG + "str": str,
}
_CLEARER = {"but found another document": "a sweep file is one document, and here a second one begins"}


class _Loader(yaml.SafeLoader):
    """Composes nodes only; values are made here, from the five scalar types."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc] # the stubs call it an instance's
    _levels = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _problem(event, "anchors and aliases are not supported")
        if tag := getattr(event, "tag", None):
            raise _problem(event, f"tags such as {shown(tag.replace(_TAG, '!!', 1))} are not supported")
        if self._levels > MOST_LEVELS:
            raise _problem(event, f"more than {MOST_LEVELS} mappings and lists inside each other")
        self._levels += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._levels -= 1


def _problem(event: yaml.Event, text: str) -> yaml.MarkedYAMLError:
    mark = event.start_mark
    assert isinstance(mark, yaml.Mark), "the loader in Python marks every event"
    return yaml.MarkedYAMLError(problem=text, problem_mark=mark)


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
    _inserted: set[Path] = field(default_factory=set)

    def find(self, path: Path) -> str:
        """The place of `path`, or of the nearest thing around it."""
        while path and path not in self.of_path:
            path = path[:-1]
        return self.of_path[path]

    def dotted(self, path: Path) -> str:
        """The keys to a value, from the root of the file that it stands in."""
        begins = next((len(root) for root in self._inserted if path[: len(root)] == root), 0)
        return ".".join(map(str, path[begins:]))

    def insert(self, path: Path, held: Places) -> None:
        """What another file holds now stands at `path`."""
        self._inserted.add(path)
        self.of_path |= {(*path, *inner): place for inner, place in held.of_path.items()}

    def over(self, below: Places, replaced: Collection[Path]) -> Places:
        """Of two files that say one thing together: these places, and of `below` those that nothing has replaced."""
        kept = {
            path: place
            for path, place in below.of_path.items()
            if not any(path[:length] in replaced for length in range(1, len(path) + 1))
        }
        return Places(kept | self.of_path)

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
        InputError: for text that is not YAML, a duplicate key, a tag, an alias, or too many levels or digits.
    """
    places = Places({(): name})
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        raise InputError(f"{place}: cannot be read: {_CLEARER.get(str(error.problem), error.problem)}") from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(f"{name}:{line}: cannot be read: the character {chr(error.character)!r} is not text") from None
    except (ValueError, OverflowError):
        # An escape such as "\UFFFFFFFF" beyond the last character.
        line = loader.line + 1 if loader is not None else 1
        raise InputError(f"{name}:{line}: cannot be read: an escape that stands for no character") from None
    return (None if node is None else _value(node, (), name, places)), places


def _value(node: yaml.Node, path: Path, name: str, places: Places) -> Any:
    place = f"{name}:{node.start_mark.line + 1}"
    places.of_path.setdefault(path, place)
    if node.tag == _TAG + "map":
        return _mapping(node, path, name, places)
    if node.tag == _TAG + "seq":
        return [_value(item, (*path, index), name, places) for index, item in enumerate(node.value)]
    return _scalar(node, place)


def _scalar(node: yaml.Node, place: str) -> Any:
    tag = node.tag.removeprefix(_TAG)
    if tag in ("int", "float") and len(node.value) > _MOST_DIGITS:
        raise InputError(f"{place}: a number of {len(node.value)} characters; at most {_MOST_DIGITS} are read")
    return _SCALARS[node.tag](_checked(node.value, place))


def _checked(text: str, place: str) -> str:
    if _SURROGATE.search(text):
        raise InputError(f"{place}: cannot be read: half a character, {shown(text)}")
    return text


def _mapping(node: yaml.Node, path: Path, name: str, places: Places) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = f"{name}:{key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError(f"{place}: a key must be text")
        key = _checked(key_node.value, place)
        if key in values:
            raise InputError(f"{place}: the key {shown(key)} is given twice")
        places.of_path[(*path, key)] = place
        values[key] = _value(value_node, (*path, key), name, places)
    return values
