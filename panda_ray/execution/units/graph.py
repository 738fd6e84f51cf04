"""The units behind a sweep's cells, each made once, with the keys of what it depends on.

Source prompt -> (embedding, PoT, target-like teacher); teacher and embeddings -> PanDa.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.imported import imported_unit
from panda_ray.execution.units.recipes import MethodRecipe, MetricRecipe
from panda_ray.execution.units.unit import Dependencies, Role, Unit
from panda_ray.methods import PairTeachers, SourcePrompts
from panda_ray.metrics import MetricChoice
from panda_ray.sweep import MethodSection, Sweep
from panda_ray.sweep.hyperparameters import TunedTraining

PlanRole = Literal["cell", "source", "teacher", "embedding", "trial"]
"""What a unit is to the sweep. A prompt that fills a cell is a `cell`, even where it is also a source; `source` is a
prompt that is only trained so that others can use it, `trial` one that a search tries."""

_PROMPT_METHOD = "prompt_tuning"


class Graph:
    """Units of a sweep, added on demand, a unit after its dependencies.

    Attributes:
        units, role_of, label_of, depth_of: by key; the depth is the length of the longest way to a unit that depends
            on nothing.
        metrics: by label: the sweep's metrics, then those that only a method asks for.
        chosen_by: by label of a method whose sources a metric chooses, the label of the metric.
    """

    def __init__(self, sweep: Sweep, catalog: Catalog) -> None:
        self.units: dict[str, Unit] = {}
        self.role_of: dict[str, PlanRole] = {}
        self.label_of: dict[str, str] = {}
        self.depth_of: dict[str, int] = {}
        self._sweep, self._catalog = sweep, catalog
        self._needed: dict[tuple[MethodRecipe, str, tuple[str, ...], str, int], Dependencies] = {}
        self._alike: dict[MethodRecipe, MethodRecipe] = {}
        self._made: dict[tuple[MethodRecipe | MetricRecipe, str, tuple[str, ...], str, int], str] = {}
        self._firsts: dict[tuple[MethodRecipe | MetricRecipe, str, str], Unit] = {}
        self.methods = {section.title: MethodRecipe(section, sweep, catalog.data) for section in sweep.methods}
        self._others: dict[tuple[str, tuple[tuple[str, str], ...]], MethodRecipe] = {}
        self.metrics = {
            section.title: MetricRecipe(section.metric, section.options, section.title) for section in sweep.metrics
        }
        self.chosen_by = {
            section.title: self._metric(MetricChoice(metric=choice.by.metric, options=choice.by.options))
            for section in sweep.methods
            if (choice := section.sources) is not None
        }
        self._weighs: dict[MethodRecipe, MetricRecipe] = {}

    def cell(self, backbone: str, label: str, sources: tuple[str, ...], target: str, seed: int) -> str:
        """Key of the unit that fills a cell of the method with this label."""
        key = self._training(self.methods[label], backbone, sources, target, seed, "cell")
        if self.role_of[key] != "cell":
            self.role_of[key], self.label_of[key] = "cell", label
        return key

    def trial(self, recipe: MethodRecipe, backbone: str, sources: tuple[str, ...], target: str, seed: int) -> str:
        """Key of the unit that tries other hyper-parameters; what it depends on is that of the sweep.

        Args:
            recipe: a method under those hyper-parameters.
        """
        return self._training(recipe, backbone, sources, target, seed, "trial")

    def with_needed(self, keys: Iterable[str]) -> dict[str, Unit]:
        """Units and all that they depend on, a unit after its dependencies."""
        found: dict[str, Unit] = {}
        for key in keys:
            if key not in found:
                found |= self.with_needed(self.units[key].depends_on)
                found[key] = self.units[key]
        return found

    def embeddings(
        self, recipe: MetricRecipe, backbone: str, source: str, target: str, seed: int
    ) -> tuple[str | None, str | None]:
        """Keys of what a metric compares: the embeddings of a source's prompt and of the target's.

        A metric that judges pairs has one of the source's prompt on the target's rows, and none of the target's; one
        without embeddings has neither.
        """
        if not recipe.metric.needs_prompt:
            return None, None
        if recipe.judges_pairs:
            return self._embedding(recipe, backbone, (source,), target, seed), None
        return self._embedding(recipe, backbone, (), source, seed), self._embedding(recipe, backbone, (), target, seed)

    def _embedding(self, recipe: MetricRecipe, backbone: str, sources: tuple[str, ...], task: str, seed: int) -> str:
        """Key of the embedding of a task's prompt, or of a source's prompt and a task."""
        address = (recipe, backbone, sources, task, seed)
        if address not in self._made:
            if recipe.trains is not None:
                looked_at = self._training(self._other(recipe.trains), backbone, sources, task, seed, "teacher")
            else:
                (of,) = sources or (task,)
                looked_at = self._prompt(backbone, of, seed)
            unit = self._first(recipe, backbone, task).sibling(seed, sources, {"prompt": (looked_at,)})
            self._made[address] = self._add(unit, "embedding", recipe.label)
        return self._made[address]

    def _prompt(self, backbone: str, task: str, seed: int, method: str = _PROMPT_METHOD) -> str:
        """Key of what others take from a task: trained by a method with their seed, or a prompt that was imported."""
        section, training = self._sweep.tasks.get(task), self._sweep.training
        imported = (section.imported or {}) if section is not None else {}
        if method != _PROMPT_METHOD or backbone not in imported:
            return self._training(self._other(method), backbone, (), task, seed, "source")
        reference = self._catalog.backbones[backbone]
        unit = imported_unit(reference, task, imported[backbone], training.prompt_len, training.max_len)
        return self._add(unit, "source", unit.method)

    def _training(
        self, recipe: MethodRecipe, backbone: str, sources: tuple[str, ...], task: str, seed: int, role: PlanRole
    ) -> str:
        address = (recipe, backbone, sources, task, seed)
        if address not in self._made:
            own = recipe.at(backbone, sources, task)
            needed = self._dependencies(self._first_alike(own), backbone, sources, task, seed)
            unit = self._first(own, backbone, task).sibling(seed, sources, needed)
            self._made[address] = self._add(unit, role, recipe.label)
        return self._made[address]

    def _dependencies(
        self, recipe: MethodRecipe, backbone: str, sources: tuple[str, ...], target: str, seed: int
    ) -> Dependencies:
        address = (recipe, backbone, sources, target, seed)
        if address not in self._needed:
            self._needed[address] = self._found_dependencies(*address)
        return self._needed[address]

    def _found_dependencies(
        self, recipe: MethodRecipe, backbone: str, sources: tuple[str, ...], target: str, seed: int
    ) -> Dependencies:
        keys: dict[Role, tuple[str, ...]] = {}
        for required in recipe.requires:
            if isinstance(required, SourcePrompts):
                found = [self._prompt(backbone, source, seed, required.method) for source in sources]
                keys["source_prompt"] = tuple(found)
            elif isinstance(required, PairTeachers):
                teacher = self._other(required.method, required.options)
                pairs = [self._training(teacher, backbone, (source,), target, seed, "teacher") for source in sources]
                keys["teacher"] = tuple(pairs)
            else:
                metric = self._weighing(recipe, required.metric)
                pairs_of = [self.embeddings(metric, backbone, source, target, seed) for source in sources]
                if known := tuple([key for key, _ in pairs_of if key is not None]):
                    keys["source_embedding"] = known
                if known := tuple([key for _, key in pairs_of[:1] if key is not None]):
                    keys["target_embedding"] = known
        return keys

    def _first_alike(self, recipe: MethodRecipe) -> MethodRecipe:
        """The first method that requires the same; units of both share what they depend on."""
        if recipe not in self._alike:
            self._alike[recipe] = next((other for other in self._alike if other.requires == recipe.requires), recipe)
        return self._alike[recipe]

    def _other(self, method: str, options: tuple[tuple[str, str], ...] = ()) -> MethodRecipe:
        """A method that another one asks for, whether the sweep lists it or not."""
        if (method, options) not in self._others:
            training = _listed_training(method, self._sweep)
            section = MethodSection(method=method, options=dict(options), training=training)
            self._others[method, options] = MethodRecipe(section, self._sweep, self._catalog.data)
        return self._others[method, options]

    def _weighing(self, recipe: MethodRecipe, choice: MetricChoice) -> MetricRecipe:
        """The metric that a method weighs pairs with; one that the sweep does not list gets a label of its own."""
        if recipe not in self._weighs:
            self._weighs[recipe] = self.metrics[self._metric(choice)]
        return self._weighs[recipe]

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
            self.depth_of[key] = 1 + max([self.depth_of[needed] for needed in unit.depends_on], default=-1)
        return key

    def _metric(self, choice: MetricChoice) -> str:
        """Label of the metric that is meant: of the sweep's list, or one that is added."""
        for label, recipe in self.metrics.items():
            if recipe.says(choice):
                return label
        label = self._free_label(choice)
        self.metrics[label] = MetricRecipe(choice.metric, choice.options, label)
        return label

    def _free_label(self, choice: MetricChoice) -> str:
        """The metric's name, with its options where there are any or the name alone is taken."""
        label = str(choice)
        if label in self.metrics and not choice.options:
            label = f"{choice.metric} (default options)"
        while label in self.metrics:
            label += " of a method"
        return label


def _listed_training(method: str, sweep: Sweep) -> TunedTraining:
    """What the sweep's entry of that name says of its trainings; nothing where there is none."""
    return next((section.training for section in sweep.methods if section.title == method), TunedTraining())
