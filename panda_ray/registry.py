"""What a sweep may name: the package's own plug-ins, listed explicitly, and those of other installed packages.

Another package adds a plug-in by an entry point, whose value is the plug-in itself or an iterable of several:

    [project.entry-points."panda_ray.methods"]
    mine = "my_package.methods:MINE"

They are looked for when a registry is first asked, so that importing the package imports no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar

from panda_ray.errors import InputError, unknown_name


class Named(Protocol):
    """Anything that a sweep names."""

    @property
    def name(self) -> str: ...


Plugin = TypeVar("Plugin", bound=Named)


class Registry(Generic[Plugin]):
    """Plug-ins that serve the same end by name, the package's own first.

    Args:
        what: the word for one of them in messages: "task", "method".
        own: those of this package.

    Attributes:
        own: the same.
    """

    def __init__(self, what: str, own: Iterable[Plugin]) -> None:
        self._what = what
        self.own = tuple(own)

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def get(self, name: str, where: str = "") -> Plugin:
        """The plug-in of that name.

        Args:
            where: place or remedy that the message begins with.

        Raises:
            InputError: for an unknown name, with the nearest known one.
        """
        if name not in self._by_name:
            raise unknown_name(self._what, name, self._by_name, where)
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Plugin]:
        found: dict[str, tuple[Plugin, str]] = {}
        for plugin, origin in [*((own, "panda_ray") for own in self.own), *self._of_others()]:
            if plugin.name in found:
                raise InputError(
                    f"two {self._what}s are called {plugin.name!r}: one of {found[plugin.name][1]}, one of {origin}; "
                    "rename or uninstall one"
                )
            found[plugin.name] = plugin, origin
        return {name: plugin for name, (plugin, _) in found.items()}

    def _of_others(self) -> Iterator[tuple[Plugin, str]]:
        for entry in sorted(entry_points(group=f"panda_ray.{self._what}s"), key=lambda entry: entry.name):
            origin = "another package" if entry.dist is None else f"the package {entry.dist.name}"
            value = _loaded(entry, origin)
            for plugin in value if isinstance(value, Iterable) else (value,):
                if not isinstance(getattr(plugin, "name", None), str):
                    raise InputError(f"{entry.value} of {origin} is no {self._what}: it has no name")
                yield plugin, origin


def _loaded(entry: EntryPoint, origin: str) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise InputError(f"{entry.value} of {origin} cannot be imported: {type(error).__name__}: {error}") from error
