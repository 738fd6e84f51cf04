"""From the points of a study to the units that train them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from panda_ray.execution.units.canonical import canonical_json
from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.cells import Cell, sources_by_target
from panda_ray.execution.units.graph import Graph
from panda_ray.execution.units.recipes import MethodRecipe
from panda_ray.execution.units.unit import Unit
from panda_ray.search.space import OPTION, Point, section_of, varied
from panda_ray.search.trials import Address
from panda_ray.sweep import MethodSection, Sweep
from panda_ray.sweep.search_section import RangeSection
from panda_ray.training.config import TrainConfig


def addresses(sweep: Sweep, graph: Graph, catalog: Catalog) -> Iterator[Address]:
    """The studies of a sweep: by backbone, method, target and sources."""
    entries = sources_by_target(sweep, catalog)
    for backbone in catalog.backbones:
        for section in sweep.methods:
            for target, found in entries[graph.methods[section.title].method.sources].items():
                for sources in found:
                    yield Address(backbone, section.title, sources, target)


def points_of_studies(sweep: Sweep, catalog: Catalog) -> list[Points]:
    """The studies of a sweep, which share a graph."""
    graph = Graph(sweep, catalog)
    return [Points(sweep, graph, address) for address in addresses(sweep, graph, catalog)]


class Points:
    """The units of the points of one study, each made once.

    Args:
        graph: of the sweep; it grows by the units and by what they need.
    """

    def __init__(self, sweep: Sweep, graph: Graph, address: Address) -> None:
        self.sweep, self.graph, self.address = sweep, graph, address
        self._recipes: dict[str, MethodRecipe] = {}
        self._keys: dict[str, tuple[str, ...]] = {}

    @property
    def section(self) -> MethodSection:
        """The method in the sweep file."""
        return next(section for section in self.sweep.methods if section.title == self.address.method)

    def keys(self, point: Point) -> tuple[str, ...]:
        """Of the units of a point, one per seed.

        Raises:
            InputError: nothing can be trained with these values.
        """
        said = canonical_json(point)
        if said not in self._keys:
            sweep, section = varied(self.sweep, self.section, self.address.target, point)
            self._keys[said] = self._trials(MethodRecipe(section, sweep, [self.address.target]))
        return self._keys[said]

    def cells(self, keys: Sequence[str]) -> list[Cell]:
        """The cells of the study, filled with the units of one point."""
        return [Cell(*self.address, seed, key) for seed, key in zip(self.sweep.seeds, keys, strict=False)]

    @cached_property
    def unvaried(self) -> Unit:
        """What the study would train under the settings of the sweep, for the first seed."""
        first, *_ = self._trials(self.graph.methods[self.address.method])
        return self.graph.units[first]

    @property
    def config(self) -> TrainConfig:
        """The settings of the sweep."""
        assert self.unvaried.config is not None, "a trial is a training"
        return self.unvaried.config

    @property
    def most_epochs(self) -> int:
        """Of any point."""
        dimension = section_of(self.sweep).space.get("epochs")
        if dimension is None:
            return self.config.epochs
        return int(dimension.high if isinstance(dimension, RangeSection) else max(map(float, dimension)))

    @property
    def space(self) -> Mapping[str, Any]:
        """What is searched, as JSON data."""
        space: Mapping[str, Any] = section_of(self.sweep).model_dump(mode="json")["space"]
        return space

    def setting(self) -> Mapping[str, Any]:
        """What the values of a study depend on besides its points: if this changes, they cannot be compared."""
        identity, names = self.unvaried.identity, self.space
        fixed = {name: value for name, value in identity.items() if name not in ("seed", "options", "config")}
        training = {name: value for name, value in identity["config"].items() if name not in names}
        options = {name: value for name, value in identity["options"].items() if f"{OPTION}{name}" not in names}
        return {
            "space": self.space,
            "seeds": self.sweep.seeds,
            "training": training,
            "options": options,
            **fixed,
        }

    def _trials(self, recipe: MethodRecipe) -> tuple[str, ...]:
        backbone, _, sources, target = self.address
        return tuple(self.graph.trial(recipe, backbone, sources, target, seed) for seed in self.sweep.seeds)
