"""Workers of several kinds: where a stack goes, by measured speeds, stated ratios and memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.kinds import Kind, is_of_kind, kinds_of
from panda_ray.execution.costs.memory.device_room import Room, room_of
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.scheduling.fleet import ARRIVAL_SECONDS
from panda_ray.execution.scheduling.simulation import simulate_fleet
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from support.sweeps.small_sweeps import planned, small_sweep
from support.sweeps.timed_records import record, timed_sweep, unit_of

A100, H100, CPU = "A100", "H100", "cpu"
MIXED = [
    {"accelerator": A100, "hour": 2.0},
    {"accelerator": H100, "speed": 4.0, "hour": 6.0},
    {"accelerator": CPU, "speed": 0.1},
]


@dataclass(frozen=True)
class Known:
    """A kind whose speed and room are told."""

    name: str
    seconds_of_each: float
    widest: float = float("inf")

    def expected(self, stack: Stack) -> float:
        return self.seconds_of_each * len(stack.members)

    def holds(self, stack: Stack) -> bool:
        return len(stack.members) <= self.widest

    @property
    def room(self) -> float:
        return self.widest


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def stacks_of(storage: Path, widths: list[int]) -> Plan:
    """A plan of independent stacks, so many members in each."""
    changes: dict[str, Any] = {"sources": ["review"], "targets": ["review"], "methods": ["prompt_tuning"]}
    plan, _ = planned(small_sweep(storage, **changes, metrics=[], seeds=list(range(sum(widths)))))
    members = [unit for stack in plan.stacks for unit in stack.members]
    cuts = [sum(widths[:index]) for index in range(len(widths) + 1)]
    return replace(plan, stacks=tuple(Stack(tuple(members[a:b])) for a, b in pairwise(cuts)))


def begun(plan: Plan, *kinds: Known, there: list[str] | None = None, clock: Clock | None = None) -> Dispatch:
    dispatch = Dispatch(plan, lambda stack, _: float(len(stack.members)), kinds=kinds)  # type: ignore[arg-type]
    dispatch.foresee(clock or Clock(), [kind.name for kind in kinds] if there is None else there)
    return dispatch


def starts(dispatch: Dispatch, slots: Mapping[str, int]) -> list[tuple[int, str | None]]:
    """Width and kind of every stack that starts now."""
    return [(len(stack.members), stack.accelerator) for stack in iter(lambda: dispatch.next_on(slots), None)]


def test_each_stack_goes_to_the_kind_on_which_it_ends_first_and_waits_where_that_is_a_busy_one(tmp_path: Path) -> None:
    fast, slow = Known(A100, 1.0), Known(CPU, 10.0)
    dispatch = begun(stacks_of(tmp_path, [4] * 12), fast, slow)
    running = starts(dispatch, {A100: 1, CPU: 1})
    assert running == [(4, A100), (4, CPU)], "of 12 stacks of 4 s, a queue of 9 is as long as one on the slow kind"
    few = begun(stacks_of(tmp_path / "few", [4] * 3), fast, slow)
    assert starts(few, {A100: 1, CPU: 1}) == [(4, A100)], "the slow kind would end after all others"
    assert starts(few, {A100: 1, CPU: 1}) == [], "nor on another look"


def test_a_stack_that_does_not_fit_into_a_kinds_memory_never_goes_there_and_what_fits_nowhere_goes_where_most_does(
    tmp_path: Path,
) -> None:
    small, large = Known(A100, 1.0, widest=4), Known(H100, 5.0, widest=8)
    dispatch = begun(stacks_of(tmp_path, [2, 8]), small, large)
    assert starts(dispatch, {A100: 2, H100: 1}) == [(8, H100), (2, A100)]
    waits = begun(stacks_of(tmp_path / "waits", [8]), small, large)
    assert starts(waits, {A100: 2}) == [], "however long the other kind is not there"
    none = begun(stacks_of(tmp_path / "none", [16]), small, large)
    assert starts(none, {A100: 2, H100: 1}) == [(16, H100)]


def test_what_has_ended_was_lost_or_waits_again_frees_its_place(tmp_path: Path) -> None:
    dispatch = begun(stacks_of(tmp_path, [4, 4]), Known(A100, 1.0))
    first = dispatch.next_on({A100: 1})
    assert first is not None
    assert dispatch.next_on({A100: 1}) is None
    dispatch.put_back(first)
    again = dispatch.next_on({A100: 1})
    assert again is not None
    assert again.accelerator == A100
    dispatch.finished(again, [Outcome(unit.key, "done") for unit in again.todo])
    assert dispatch.next_on({A100: 1}) is not None
    assert dispatch.exhausted is False, "it runs"


def test_a_kind_that_may_still_come_is_waited_for_a_while_and_asked_for(tmp_path: Path) -> None:
    clock = Clock()
    fast, slow = Known(A100, 100.0), Known(CPU, 10_000.0)
    dispatch = Dispatch(stacks_of(tmp_path, [1, 1]), lambda *_: 1.0, kinds=[fast, slow])  # type: ignore[list-item]
    dispatch.foresee(clock)
    assert starts(dispatch, {CPU: 2}) == []
    assert dispatch.wanted_on({CPU: 2}) == {A100: 2, CPU: 0}
    assert dispatch.wanted_on({A100: 1, CPU: 2}) == {A100: 1, CPU: 0}
    clock.now = ARRIVAL_SECONDS + 1
    assert starts(dispatch, {CPU: 2}) == [(1, CPU), (1, CPU)]


def fleet(storage: Path, workers: list[dict[str, Any]]) -> Sweep:
    return timed_sweep(storage, resources={"workers": workers}, prices={"gpu_hour": 1.0, "cpu_hour": 0.05})


def seconds_on(kinds: tuple[Kind, ...], plan: Plan) -> dict[str, float]:
    stack = Stack((unit_of(plan, "bert-base", "prompt_tuning", "review"),) * 4)
    return {kind.name: kind.seconds(stack).seconds for kind in kinds}


def test_a_measured_kind_has_its_own_speed_and_others_are_compared_with_it_by_what_the_sweep_states(
    tmp_path: Path,
) -> None:
    plan, _ = planned(fleet(tmp_path, MIXED))
    unit = unit_of(plan, "bert-base", "prompt_tuning", "review")
    cold = seconds_on(kinds_of(plan.sweep, Costs.of(plan, ())), plan)
    assert cold[A100] == pytest.approx(4 * cold[H100])
    assert cold[CPU] == pytest.approx(10 * cold[A100])
    assert {kind.seconds(plan.stacks[0]).basis for kind in kinds_of(plan.sweep, Costs.of(plan, ()))} == {"assumed"}
    measured = [record(unit, width, device="NVIDIA H100 80GB HBM3") for width in (4, 16)]
    costs = Costs.of(plan, measured)
    known = kinds_of(plan.sweep, costs)
    warm = seconds_on(known, plan)
    assert warm[H100] == pytest.approx(measured[0]["seconds"] * 4, rel=0.01)
    assert warm[A100] == pytest.approx(4 * warm[H100])
    assert known[1].seconds(Stack((unit,) * 4)).basis == "measured"
    both = Costs.of(plan, [*measured, *(record(unit, width, device="NVIDIA A100-SXM4-80GB") for width in (4, 16))])
    assert seconds_on(kinds_of(plan.sweep, both), plan)[A100] == pytest.approx(warm[H100]), "no ratio"


def test_hours_cost_what_the_kind_says_or_else_the_prices(tmp_path: Path) -> None:
    plan, _ = planned(
        fleet(tmp_path, [{"accelerator": A100}, {"accelerator": H100, "hour": 6.0}, {"accelerator": CPU}])
    )
    assert [kind.hour for kind in kinds_of(plan.sweep, Costs.of(plan, ()))] == [1.0, 6.0, 0.05]


@pytest.mark.parametrize(
    ("device", "accelerator", "same"),
    [
        ("NVIDIA A100-SXM4-80GB", "A100", True),
        ("NVIDIA A100-SXM4-80GB", "A100-80G", True),
        ("NVIDIA A100-SXM4-40GB", "A100-80G", False),
        ("NVIDIA H100 80GB HBM3", "A100", False),
        ("NVIDIA L4", "L40", False),
        ("NVIDIA L40", "L4", False),
        ("cpu", "cpu", True),
        ("cpu", "A100", False),
        ("NVIDIA A100", "cpu", False),
    ],
)
def test_a_device_is_of_the_kind_whose_words_its_name_has(device: str, accelerator: str, same: bool) -> None:
    assert is_of_kind(device, accelerator) is same


def test_a_simulated_mixed_fleet_ends_before_its_fast_kind_alone_and_not_after_the_slow_one(tmp_path: Path) -> None:
    plan, _ = planned(fleet(tmp_path, MIXED))
    costs = Costs.of(plan, ())
    kinds = kinds_of(plan.sweep, costs)
    runs = {
        name: simulate_fleet(plan, slots, kinds, costs.expected)
        for name, slots in {
            "both": {A100: 2, H100: 1},
            "fast": {H100: 1},
            "slow": {A100: 2},
        }.items()
    }
    assert runs["both"].makespan < runs["fast"].makespan < runs["slow"].makespan
    assert {one.stack.accelerator for one in runs["both"].ran} == {A100, H100}
    for run in runs.values():
        assert sorted(unit.key for one in run.ran for unit in one.stack.members) == sorted(plan.units)


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        ({"workers": [{"accelerator": A100, "speed": 2}]}, "resources: the speed of the first of `workers` is 1"),
        (
            {"workers": [{"accelerator": A100}], "gpus_per_stack": 1},
            "gpus_per_stack and gpu_memory_gib are said by each",
        ),
        (
            {"workers": [{"accelerator": A100}, {"accelerator": A100}]},
            "resources.workers.1: the accelerator 'A100' is listed twice",
        ),
        (
            {"workers": [{"accelerator": CPU, "gpus_per_stack": 1}]},
            "resources.workers.0: the accelerator 'cpu' has no GPUs",
        ),
        (
            {"workers": [{"accelerator": A100}], "max_workers": 2},
            "resources: max_workers spreads a training over workers",
        ),
        ({"workers": [{"acelerator": A100}]}, "unknown key 'acelerator'; did you mean 'accelerator'?"),
    ],
)
def test_kinds_that_cannot_be_meant_are_refused_with_what_to_change(
    resources: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    described = small_sweep(tmp_path).as_written() | {"resources": resources}
    (tmp_path / "x.yaml").write_text(json.dumps(described))
    with pytest.raises(InputError) as raised:
        load_sweep(str(tmp_path / "x.yaml"))
    assert sentence in str(raised.value)


def test_a_sweep_with_kinds_survives_being_sent_and_its_units_have_the_keys_of_one_without(tmp_path: Path) -> None:
    sweep = fleet(tmp_path, MIXED)
    assert Sweep.model_validate(sweep.as_written()) == sweep
    alike, _ = planned(timed_sweep(tmp_path))
    assert planned(sweep)[0].units.keys() == alike.units.keys()


def test_memory_of_the_kinds_with_gpus_bounds_stacks_by_the_largest(tmp_path: Path) -> None:
    gib = 1 << 30
    sweep = fleet(
        tmp_path,
        [
            {"accelerator": A100, "gpu_memory_gib": 40},
            {"accelerator": H100, "gpu_memory_gib": 80},
            {"accelerator": CPU},
        ],
    )
    assert room_of(sweep.resources) == Room(80 * gib)
    unknown = fleet(tmp_path, [{"accelerator": A100, "gpu_memory_gib": 40}, {"accelerator": H100}])
    assert room_of(unknown.resources) is None
