"""`--set key=value`: one value of a sweep, replaced from the command line before the sweep is validated."""

from __future__ import annotations

import re
from typing import Any

from panda_ray.errors import InputError
from panda_ray.sweep import BackboneSection, MethodSection, MetricSection
from panda_ray.sweep.section import NamedSection
from panda_ray.sweep_file.included import KEY as INCLUDE
from panda_ray.sweep_file.yaml_source import MOST_LEVELS, Path, Places, parse_yaml

_SHOWN = 200
"""Characters of a `--set` that a message shows."""

_POSITION = re.compile("[0-9]{1,9}")

_NAMED: dict[str | int, type[NamedSection]] = {
    "backbones": BackboneSection,
    "methods": MethodSection,
    "metrics": MetricSection,
}


def apply_override(data: dict[str, Any], places: Places, text: str) -> None:
    """Set what `text` says in `data`.

    Args:
        text: `dotted.path=value`; a number in the path is a position in a list, the value is YAML.

    Raises:
        InputError: for text without a key or a value, or a path through something that holds no keys.
    """
    place = f"--set {_printable(text)}"
    dotted, equals, value_text = text.partition("=")
    if not equals or not all(dotted.strip().split(".")):
        raise InputError(f"{place}: write --set key=value, for example --set 'seeds=[1,2]' or --set tasks.cb.epochs=3")
    value, _ = parse_yaml(value_text, place)
    if dotted.strip().split(".")[0] == INCLUDE:
        raise InputError(f"{place}: {INCLUDE} stands in sweep files alone; set the keys themselves")
    path: Path = ()
    container: Any = data
    *above, last = dotted.strip().split(".")
    if len(above) > MOST_LEVELS:
        raise InputError(f"{place}: a path has at most {MOST_LEVELS} keys above its last one, not {len(above)}")
    for part in above:
        path = (*path, _key(container, part, path, place))
        before = container.get(path[-1]) if isinstance(container, dict) else container[path[-1]]
        container = _opened(container, path)
        if container is not before:
            places.override(path, place)
    key = _key(container, last, path, place)
    container[key] = value
    places.override((*path, key), place)


def _printable(text: str) -> str:
    """What was written, not longer than a few lines, without bytes of the command line that are no text."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return whole if len(whole) <= _SHOWN else f"{whole[:_SHOWN]}..."


def _key(container: Any, part: str, path: Path, place: str) -> str | int:
    """`part` as a key of `container`: text for a section, a position for a list."""
    if isinstance(container, dict):
        return part
    where = ".".join(map(str, path))
    if not isinstance(container, list):
        raise InputError(f"{place}: {where} is {container!r} and has no key {part!r}")
    if not _POSITION.fullmatch(part) or int(part) >= len(container):
        raise InputError(f"{place}: {where} is a list; use a position from 0 to {len(container) - 1}, not {part!r}")
    return int(part)


def _opened(container: Any, path: Path) -> Any:
    """The value at `path`, made a section if it is absent, empty or a name that stands for a section."""
    key = path[-1]
    if isinstance(container, dict):
        container.setdefault(key, None)
    value = container[key]
    if value is None:
        container[key] = {}
    elif isinstance(value, str) and len(path) == 2 and path[0] in _NAMED:
        container[key] = {_NAMED[path[0]].short_key: value}
    return container[key]
