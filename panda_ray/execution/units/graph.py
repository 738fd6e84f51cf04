"""The units behind a sweep's cells, each made once, with the keys of what it depends on.

Source prompt -> (signature, PoT, target-like teacher); teacher and signatures -> PanDa.
"""

from __future__ import annotations

from typing import Literal

from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.recipes import MethodRecipe, MetricRecipe
from panda_ray.execution.units.unit import Role, Unit
from panda_ray.metrics import MetricChoice
from panda_ray.sweep import MethodSection, Sweep

PlanRole = Literal["cell", "source", "teacher", "signature"]
"""What a unit is to the sweep. A prompt that fills a cell is a `cell`, even where it is also a source; `source` is a
prompt that is only trained so that others can use it."""

_PROMPT_METHOD = "prompt_tuning"


class Graph:
    """Units of a sweep, added on demand, a unit after its dependencies.

    Attributes:
        units, role_of, label_of, depth_of: by key; the depth is the length of the longest way to a unit that depends
            on nothing.
        metrics: by label: the sweep's metrics, then those that only a method asks for.
    """

    def __init__(self, sweep: Sweep, catalog: Catalog) -> None:
        self.units: dict[str, Unit] = {}
        self.role_of: dict[str, PlanRole] = {}
        self.label_of: dict[str, str] = {}
        self.depth_of: dict[str, int] = {}
        self._catalog = catalog
        self._made: dict[tuple[MethodRecipe | MetricRecipe, str, str | None, str, int], str] = {}
        self._firsts: dict[tuple[MethodRecipe | MetricRecipe, str, str], Unit] = {}
        self.methods = {section.title: MethodRecipe(section, sweep, catalog.data) for section in sweep.methods}
        self._source_recipe = MethodRecipe(MethodSection(method=_PROMPT_METHOD), sweep, catalog.data)
        self._teacher_recipes = {
            name: MethodRecipe(MethodSection(method=name), sweep, catalog.data)
            for recipe in self.methods.values()
            if (name := recipe.needs.teacher) is not None
        }
        self.metrics = {
            section.title: MetricRecipe(section.metric, section.options, section.title) for section in sweep.metrics
        }
        self._weighs = {recipe: self._metric(recipe.needs.similarity) for recipe in self.methods.values()}

    def cell(self, backbone: str, label: str, source: str | None, target: str, seed: int) -> str:
        """Key of the unit that fills a cell of the method with this label."""
        key = self._training(self.methods[label], backbone, source, target, seed, "cell")
        if self.role_of[key] != "cell":
            self.role_of[key], self.label_of[key] = "cell", label
        return key

    def signature(self, recipe: MetricRecipe, backbone: str, task: str, seed: int) -> str | None:
        """Key of the signature of a task's prompt; None for a metric without signatures."""
        if not recipe.metric.needs_prompt:
            return None
        address = (recipe, backbone, None, task, seed)
        if address not in self._made:
            needed: dict[Role, str] = {"prompt": self._source(backbone, task, seed)}
            unit = self._first(recipe, backbone, task).sibling(seed, None, needed)
            self._made[address] = self._add(unit, "signature", recipe.label)
        return self._made[address]

    def _source(self, backbone: str, task: str, seed: int) -> str:
        return self._training(self._source_recipe, backbone, None, task, seed, "source")

    def _training(
        self, recipe: MethodRecipe, backbone: str, source: str | None, task: str, seed: int, role: PlanRole
    ) -> str:
        address = (recipe, backbone, source, task, seed)
        if address not in self._made:
            needed = {} if source is None else self._dependencies(recipe, backbone, source, task, seed)
            unit = self._first(recipe, backbone, task).sibling(seed, source, needed)
            self._made[address] = self._add(unit, role, recipe.label)
        return self._made[address]

    def _dependencies(
        self, recipe: MethodRecipe, backbone: str, source: str, target: str, seed: int
    ) -> dict[Role, str]:
        keys: dict[Role, str] = {}
        if recipe.needs.source_prompt:
            keys["source_prompt"] = self._source(backbone, source, seed)
        if recipe.needs.teacher is not None:
            teacher = self._teacher_recipes[recipe.needs.teacher]
            keys["teacher"] = self._training(teacher, backbone, source, target, seed, "teacher")
        if (metric := self._weighs.get(recipe)) is not None:
            source_key = self.signature(metric, backbone, source, seed)
            target_key = self.signature(metric, backbone, target, seed)
            if source_key is not None and target_key is not None:
                keys["source_signature"], keys["target_signature"] = source_key, target_key
        return keys

    def _first(self, recipe: MethodRecipe | MetricRecipe, backbone: str, task: str) -> Unit:
        """What the units of one recipe, backbone and task have in common."""
        address = (recipe, backbone, task)
        if address not in self._firsts:
            self._firsts[address] = recipe.first_unit(self._catalog.backbones[backbone], self._catalog.data[task])
        return self._firsts[address]

    def _add(self, unit: Unit, role: PlanRole, label: str) -> str:
        key = unit.key
        if key not in self.units:
            self.units[key] = unit
            self.role_of[key], self.label_of[key] = role, label
            self.depth_of[key] = 1 + max((self.depth_of[needed] for needed in unit.dependencies.values()), default=-1)
        return key

    def _metric(self, choice: MetricChoice | None) -> MetricRecipe | None:
        """The metric that a method asks for; one that the sweep does not list gets a label of its own."""
        if choice is None:
            return None
        for recipe in self.metrics.values():
            if recipe.says(choice):
                return recipe
        label = self._free_label(choice)
        self.metrics[label] = MetricRecipe(choice.metric, choice.options, label)
        return self.metrics[label]

    def _free_label(self, choice: MetricChoice) -> str:
        """The metric's name, with its options where there are any or the name alone is taken."""
        label = str(choice)
        if label in self.metrics and not choice.options:
            label = f"{choice.metric} (default options)"
        while label in self.metrics:
            label += " of a method"
        return label
