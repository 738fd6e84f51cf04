"""What a sweep may name: the package's own plug-ins, listed explicitly, and those of other installed packages.

Another package adds a plug-in by an entry point, whose value is the plug-in itself or an iterable of several:

    [project.entry-points."panda_ray.methods"]
    mine = "my_package.methods:MINE"

They are looked for when a registry is first asked, so that importing the package imports no other. What they are enters
the keys of what they make: the source of the module that has them, beside the version that they say.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from panda_ray.errors import InputError, unknown_name

GROUPS = "panda_ray."
"""What the groups of entry points begin with; each registry has one, such as `panda_ray.methods`."""


class Named(Protocol):
    """Anything that a sweep names."""

    @property
    def name(self) -> str: ...


Plugin = TypeVar("Plugin", bound=Named)


class _Found(NamedTuple, Generic[Plugin]):
    """A plug-in and where it is from.

    Attributes:
        module: that has it; None for this package's own.
    """

    plugin: Plugin
    origin: str
    module: str | None


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

    def version_in_keys(self, name: str, version: int) -> int | str:
        """What tells the plug-in of that name from an earlier one that was called so.

        Args:
            version: as it says itself, which is all that counts for this package's own.

        Raises:
            InputError: another package's has no source.
        """
        module = self._found[name].module
        return version if module is None else f"{version}+{_source_hash(module)}"

    @cached_property
    def _by_name(self) -> Mapping[str, Plugin]:
        return {name: found.plugin for name, found in self._found.items()}

    @cached_property
    def _found(self) -> Mapping[str, _Found[Plugin]]:
        found: dict[str, _Found[Plugin]] = {}
        for each in [*(_Found(own, "panda_ray", None) for own in self.own), *self._of_others()]:
            name = each.plugin.name
            if name in found:
                raise InputError(
                    f"two {self._what}s are called {name!r}: one of {found[name].origin}, one of {each.origin}; "
                    "rename or uninstall one"
                )
            found[name] = each
        return found

    def _of_others(self) -> Iterator[_Found[Plugin]]:
        for entry in sorted(entry_points(group=f"{GROUPS}{self._what}s"), key=lambda entry: entry.name):
            origin = "another package" if entry.dist is None else f"the package {entry.dist.name}"
            value = _loaded(entry, origin)
            for plugin in value if isinstance(value, Iterable) else (value,):
                if not isinstance(getattr(plugin, "name", None), str):
                    raise InputError(f"{entry.value} of {origin} is no {self._what}: it has no name")
                yield _Found(plugin, origin, _module_of(plugin, entry))


def _loaded(entry: EntryPoint, origin: str) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise InputError(f"{entry.value} of {origin} cannot be imported: {type(error).__name__}: {error}") from error


def _module_of(plugin: Named, entry: EntryPoint) -> str:
    """The module with the plug-in's class, or, of a class of this package, the one that makes the object."""
    made = type(plugin).__module__
    return entry.module if made.partition(".")[0] == "panda_ray" else made


def _source_hash(module: str) -> str:
    """16 hexadecimal digits."""
    try:
        source = inspect.getsource(sys.modules[module])
    except OSError as error:
        raise InputError(f"the plug-ins of {module} have no source, which their keys are made of ({error})") from error
    return hashlib.sha256(source.encode()).hexdigest()[:16]
