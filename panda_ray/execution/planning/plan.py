"""The plan of a sweep: which cells must exist, the units behind them, and what of it is already in the store."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from panda_ray.errors import InputError
from panda_ray.execution.planning.footprints import placement_of
from panda_ray.execution.planning.packing import Fits, anything_fits, depths, pack
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.memory_limits import Footprint, Limit
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog, read_catalog
from panda_ray.execution.units.cells import Cell, Similarity, list_candidates, list_cells, list_similarities
from panda_ray.execution.units.graph import Graph, PlanRole
from panda_ray.execution.units.recipes import MetricRecipe
from panda_ray.execution.units.unit import Unit
from panda_ray.sweep import Sweep
from panda_ray.tasks.extent import Extent


@dataclass(frozen=True)
class Plan:
    """Everything that a sweep wants, and how it will be run.

    Attributes:
        cells: in the order of the sweep file: backbone, seed, method, target, source.
        candidates: cells that metrics choose among; those that are not chosen have no units here.
        similarities: of every pair and metric, including the metrics that only a method asks for.
        metrics: those metrics by label.
        chosen_by: by label of a method whose sources a metric chooses, the label of the metric.
        units: every unit that must exist, by key; a unit comes after its dependencies.
        role_of, label_of: per key, what the unit is to the sweep, and the label of its method or metric.
        done: units that have a valid result in the store.
        outdated: units whose result was computed from inputs that have changed since: not done.
        stacks: what to run, in order.
        skipped: tasks that are left out because their rows are absent, with the reason.
        extents: per task, how much it is.
        limits: widths of stacks that memory allows, where some width did not fit.
        fits: how many members are expected to fit, where none did not.
    """

    sweep: Sweep
    cells: tuple[Cell, ...]
    candidates: tuple[Cell, ...]
    similarities: tuple[Similarity, ...]
    metrics: Mapping[str, MetricRecipe]
    chosen_by: Mapping[str, str]
    units: Mapping[str, Unit]
    role_of: Mapping[str, PlanRole]
    label_of: Mapping[str, str]
    done: frozenset[str]
    outdated: frozenset[str]
    stacks: tuple[Stack, ...]
    skipped: tuple[tuple[str, str], ...]
    extents: Mapping[str, Extent]
    limits: Mapping[Footprint, Limit]
    fits: Fits = anything_fits

    @cached_property
    def depends_on(self) -> Mapping[str, tuple[str, ...]]:
        """Per key, the keys that must be done before it can start."""
        return {key: unit.depends_on for key, unit in self.units.items()}

    def outdated_by(self, new: Collection[str], store: Store) -> list[str]:
        """Units that were done, and whose inputs the results of a run have changed."""
        built = [key for key in self.done if not set(self.depends_on[key]).isdisjoint(new)]
        done = store.done_among(built)
        return [key for key in built if key not in done]


def build_plan(sweep: Sweep, store: Store) -> Plan:
    """Turn a sweep into units, subtract what the store holds, and pack the rest into stacks.

    Raises:
        InputError: for a name, an option or rows that nothing can be trained with, and when no task is left.
    """
    return plan_from(sweep, store, read_catalog(sweep))


def plan_from(sweep: Sweep, store: Store, catalog: Catalog) -> Plan:
    """`build_plan` for backbones and data sets that were looked up already.

    A search has no cells until its points are chosen: its plan begins with the metrics that the sweep lists. Nor has a
    method until a metric has chosen its sources.

    Raises:
        InputError: when no cell is left.
    """
    with _no_garbage():
        graph = Graph(sweep, catalog)
        cells = list_cells(sweep, graph, catalog) if sweep.search is None else ()
        similarities = list_similarities(sweep, graph, catalog)
        candidates = list_candidates(sweep, Graph(sweep, catalog), catalog) if graph.chosen_by else ()
    if not cells and not candidates and sweep.search is None:
        reasons = "; ".join(reason for _, reason in catalog.skipped)
        raise InputError(f"sweep {sweep.name!r} has no cell left to run: {reasons}")
    done = store.done_keys(graph.units.keys())
    outdated = store.outdated
    limits = store.limits.on(placement_of(sweep.resources)).all()
    with _no_garbage():
        stacks = pack(graph.units, graph.depth_of, done, store.checkpoints.members(), sweep.resources.max_stack, limits)
    return Plan(
        sweep=sweep,
        cells=cells,
        candidates=candidates,
        similarities=similarities,
        metrics=graph.metrics,
        chosen_by=graph.chosen_by,
        units=graph.units,
        role_of=graph.role_of,
        label_of=graph.label_of,
        done=done,
        outdated=outdated,
        stacks=stacks,
        skipped=catalog.skipped,
        extents=catalog.extents,
        limits=limits,
    )


def packed_anew(plan: Plan, store: Store) -> Plan:
    """A plan with stacks as wide as it says by now that they may be."""
    checkpointed, max_stack = store.checkpoints.members(), plan.sweep.resources.max_stack
    with _no_garbage():
        stacks = pack(plan.units, depths(plan.units), plan.done, checkpointed, max_stack, plan.limits, plan.fits)
    return replace(plan, stacks=stacks)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Without the collector of cyclic garbage.

    A plan keeps the millions of objects that it makes: the collector would look through them again and again, which
    takes a quarter of the time, and find nothing.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
