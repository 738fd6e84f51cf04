"""Stacks that would not fit into a GPU are cut before they are tried: `run`, `plan` and the simulation alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.memory import device_room
from panda_ray.execution.costs.memory.device_room import GIB, Room, room_of
from panda_ray.execution.costs.memory.expected_memory import ExpectedMemory
from panda_ray.execution.costs.memory.gpus import Gpu
from panda_ray.execution.costs.memory.within_memory import within_memory
from panda_ray.execution.planning.footprints import footprint_of
from panda_ray.execution.planning.growth import grown, proposal_of
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.execution.units.graph import Graph
from panda_ray.execution.work.workspace import Settings
from panda_ray.sweep import ResourceSection, Sweep
from panda_ray.usecases.plan import plan_sweep
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.simulate import simulate_sweep
from support.sweeps.small_sweeps import planned, small_sweep
from support.sweeps.timed_records import record

SEEDS = [1, 2, 3]
"""Stacks of six members: two sources, three seeds."""


def trainings(stacks: tuple[Stack, ...]) -> list[Stack]:
    return [stack for stack in stacks if stack.members[0].config is not None]


def for_members(sweep: Sweep, members: int) -> Sweep:
    """The sweep on a GPU that any of its stacks fits into with so many members, and the largest with no more."""
    plan, store = planned(sweep)
    known = sweep.model_copy(update={"resources": sweep.resources.model_copy(update={"gpu_memory_gib": 1})})
    expected = ExpectedMemory(known, Costs.in_store(plan, store))
    most = max(expected.of(stack.members, members).total for stack in trainings(plan.stacks))
    resources = sweep.resources.model_copy(update={"gpu_memory_gib": 1.001 * most / GIB})
    return sweep.model_copy(update={"resources": resources})


def too_small(sweep: Sweep) -> Sweep:
    resources = sweep.resources.model_copy(update={"gpu_memory_gib": 0.001})
    return sweep.model_copy(update={"resources": resources})


class Asked:
    """A runner that notes what it is asked to run, and is stopped."""

    def __init__(self) -> None:
        self.plan: Plan | None = None

    def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
        self.plan = dispatch.plan
        raise KeyboardInterrupt


def test_run_plan_and_simulation_cut_stacks_alike_before_one_is_tried(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, seeds=SEEDS)
    narrow, runner = for_members(sweep, 2), Asked()
    assert max(len(stack.members) for stack in planned(sweep)[0].stacks) == 6
    run_sweep(narrow, runner)
    assert runner.plan is not None
    outlook = plan_sweep(narrow)
    assert outlook.plan.stacks == runner.plan.stacks
    (_, simulated), *_ = simulate_sweep(narrow, [1]).runs
    assert {one.stack.keys for one in simulated.ran} == {stack.keys for stack in runner.plan.stacks}
    expected = ExpectedMemory(narrow, Costs.of(outlook.plan, ()))
    room = room_of(narrow.resources)
    assert room is not None
    widths = [len(stack.members) for stack in trainings(runner.plan.stacks)]
    assert 2 in widths
    for stack in trainings(runner.plan.stacks):
        assert expected.of(stack.members, len(stack.members)).total <= room.bytes
    assert {key for stack in runner.plan.stacks for key in stack.keys} == runner.plan.units.keys()
    pot = next(each for each in outlook.memory if each.stage == "panda")
    assert (pot.wanted, pot.fitting) == (32, 2)


def test_what_does_not_fit_alone_is_refused_by_each_of_them_in_one_sentence(tmp_path: Path) -> None:
    sweep, runner = too_small(small_sweep(tmp_path)), Asked()
    said = set()
    for ask in (lambda: run_sweep(sweep, runner), lambda: plan_sweep(sweep), lambda: simulate_sweep(sweep, [1])):
        with pytest.raises(InputError, match=r"resources\.gpu_memory_gib: one training of ") as refused:
            ask()
        said.add(str(refused.value))
    assert len(said) == 1
    assert "\n" not in said.pop()
    assert runner.plan is None, "nothing was started"
    assert not list(tmp_path.iterdir())


def test_nothing_changes_without_a_gpu_and_a_word_about_one(tmp_path: Path) -> None:
    plan, store = planned(small_sweep(tmp_path, seeds=SEEDS))
    assert within_memory(plan, Costs.of(plan, ()), store) is plan


def test_a_gpu_of_this_machine_is_what_stacks_have_unless_the_sweep_says_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_room, "gpus", lambda: [Gpu("NVIDIA A100", 81920), Gpu("NVIDIA T4", 15360)])
    on_gpus = ResourceSection(gpus_per_stack=1)
    assert room_of(on_gpus) == Room(15 * GIB), "the smallest"
    assert room_of(on_gpus.model_copy(update={"gpus_per_stack": 0.25})) == Room(15 * GIB / 4)
    assert room_of(on_gpus.model_copy(update={"gpu_memory_gib": 24})) == Room(24 * GIB)
    assert room_of(on_gpus.model_copy(update={"gpus_per_stack": 2})) == Room(15 * GIB, 2)
    assert room_of(ResourceSection()) is None, "on CPUs"
    monkeypatch.setattr(device_room, "gpus", list)
    assert room_of(on_gpus) is None


def test_what_a_store_knows_of_a_width_outweighs_what_is_expected(tmp_path: Path) -> None:
    sweep = for_members(small_sweep(tmp_path, seeds=SEEDS), 2)
    plan, store = planned(sweep)
    widest = max(trainings(plan.stacks), key=lambda stack: len(stack.members))
    footprint = footprint_of(widest)
    assert footprint is not None
    store.limits.write(footprint, 6, False, "a GPU")
    store.limits.write(footprint, 5, True, "a GPU")
    stacks = plan_sweep(sweep).plan.stacks
    assert 3 in {len(stack.members) for stack in stacks if footprint_of(stack) == footprint}, "six in two halves"
    nothing_fits = too_small(small_sweep(tmp_path, methods=["prompt_tuning"], seeds=SEEDS, sources=["remark"]))
    assert trainings(plan_sweep(nothing_fits).plan.stacks), "not refused"


def test_a_stack_with_a_checkpoint_goes_on_as_it_was(tmp_path: Path) -> None:
    sweep = for_members(small_sweep(tmp_path, seeds=SEEDS), 2)
    plan, store = planned(sweep)
    widest = max(trainings(plan.stacks), key=lambda stack: len(stack.members))
    store.checkpoints.of(widest.keys).save(b"a state")
    assert widest.keys in {stack.keys for stack in plan_sweep(sweep).plan.stacks}


def test_what_a_plan_grows_by_fits_as_well(tmp_path: Path) -> None:
    sweep = for_members(small_sweep(tmp_path, seeds=SEEDS, metrics=[]), 2)
    store, catalog = Store(sweep.storage), read_catalog(sweep)
    whole = plan_from(sweep, store, catalog)
    sources = replace(whole, units={}, role_of={}, label_of={}, stacks=(), cells=())
    empty = within_memory(sources, Costs.of(whole, ()), store)
    graph = Graph(sweep, catalog)
    cells = [graph.cell(cell.backbone, cell.method, cell.sources, cell.target, cell.seed) for cell in whole.cells]
    stacks = grown(empty, proposal_of(graph, cells)).stacks
    assert stacks == within_memory(whole, Costs.of(whole, ()), store).stacks


@pytest.mark.parametrize("off", [0.5, 3.0])
def test_measured_peaks_correct_what_is_expected(tmp_path: Path, off: float) -> None:
    sweep = for_members(small_sweep(tmp_path, seeds=SEEDS), 2)
    plan, _ = planned(sweep)
    unit = next(unit for unit in plan.units.values() if unit.method == "pot" and unit.config is not None)
    other = next(unit for unit in plan.units.values() if unit.task == "kinds" and unit.config is not None)
    records: list[dict[str, Any]] = [
        record(unit, 4, activation_checkpointing=False, backbone_devices=1, peak_memory_bytes=0)
    ]

    def activations(of: Any, records: list[dict[str, Any]]) -> float:
        return ExpectedMemory(sweep, Costs.of(plan, records)).of([of], 4).activations

    before = ExpectedMemory(sweep, Costs.of(plan, [record(unit, 4)])).of([unit], 4)
    stays = before.total - before.activations
    records[0]["peak_memory_bytes"] = round(stays + off * before.activations)
    assert activations(unit, records) == pytest.approx(off * before.activations, rel=1e-3)
    assert activations(other, records) == pytest.approx(off * activations(other, [record(unit, 4)]), rel=1e-3)
    for changes in ({"device": "cpu"}, {"workers": 2}, {"backbone_devices": 2}):
        assert activations(unit, [{**records[0], **changes}]) == pytest.approx(before.activations, rel=1e-3)


def test_llama_that_one_small_gpu_does_not_hold_is_spread_over_as_many_as_the_refusal_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    described = {
        "name": "large",
        "storage": str(tmp_path),
        "backbones": ["llama2-7b"],
        "sources": ["cb"],
        "targets": ["rte"],
        "methods": ["prompt_tuning"],
        "training": {"precision": "bf16"},
        "seeds": [1, 2],
    }

    def stacks(**resources: Any) -> tuple[Stack, ...]:
        sweep = Sweep.model_validate(described | {"resources": {"gpus_per_stack": 1, **resources}})
        return simulate_sweep(sweep, [2]).plan.stacks

    with pytest.raises(InputError, match=r"has 16\.0 GiB; .* with resources\.gpus_per_stack: 2, or take") as refused:
        stacks(gpu_memory_gib=16)
    assert "bf16" not in str(refused.value), "it is set"
    assert stacks(gpu_memory_gib=16, gpus_per_stack=2)
    assert stacks(gpu_memory_gib=80)
    with pytest.raises(InputError, match=r"has 2 GPUs of 8\.0 GiB; .*gpus_per_stack: 3, or take"):
        stacks(gpu_memory_gib=8, gpus_per_stack=2)
