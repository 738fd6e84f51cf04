"""The schedule: nothing starts before what it needs, and a failure takes only its dependents with it."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.schedule import Schedule
from panda_ray.execution.scheduling.shapes.allotment import Shaper
from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.training.config import TrainConfig
from support.sweeps.small_sweeps import planned, small_sweep

CONFIG = TrainConfig(lr=1e-3, batch_size=16, epochs=2)


def unit(name: str) -> Unit:
    return Unit("prompt", "pot", 1, BackboneRef("tiny", "local:0"), DataRef("rte", "f", 1), 1, (name,), CONFIG)


SOURCE_A, SOURCE_B = unit("source a"), unit("source b")
TEACHER_A, TEACHER_B, PANDA_A, PANDA_B = unit("teacher a"), unit("teacher b"), unit("panda a"), unit("panda b")
GRAPH = {
    SOURCE_A.key: (),
    SOURCE_B.key: (),
    TEACHER_A.key: (SOURCE_A.key,),
    TEACHER_B.key: (SOURCE_B.key,),
    PANDA_A.key: (TEACHER_A.key, SOURCE_A.key),
    PANDA_B.key: (TEACHER_B.key,),
}
STACKS = [Stack((SOURCE_A,)), Stack((SOURCE_B,)), Stack((TEACHER_A, TEACHER_B)), Stack((PANDA_A, PANDA_B))]


def constant(seconds: float, stack: Stack, workers: int) -> float:
    return seconds


def done(stack: Stack) -> list[Outcome]:
    return [Outcome(unit.key, "done") for unit in stack.todo]


@pytest.mark.parametrize("order", range(10))
def test_stacks_start_when_all_they_need_is_done(order: int) -> None:
    schedule = Schedule(STACKS, GRAPH, ())
    running: list[Stack] = []
    finished: set[str] = set()
    chance = random.Random(order)
    while not schedule.exhausted or running:
        while (stack := schedule.next()) is not None:
            assert all(needed in finished for unit in stack.members for needed in GRAPH[unit.key])
            running.append(stack)
        ended = running.pop(chance.randrange(len(running)))
        finished.update(unit.key for unit in ended.members)
        assert schedule.finish(ended, done(ended)) == {}
    assert finished == set(GRAPH)


def test_a_failure_blocks_what_depends_on_it_and_nothing_else() -> None:
    schedule = Schedule(STACKS, GRAPH, ())
    assert schedule.next() == STACKS[0]
    assert schedule.next() == STACKS[1]
    blocked = schedule.finish(STACKS[0], [Outcome(SOURCE_A.key, "failed", "NaN")])
    assert blocked == {TEACHER_A.key: SOURCE_A.key, PANDA_A.key: SOURCE_A.key}
    schedule.finish(STACKS[1], done(STACKS[1]))
    teachers = schedule.next()
    assert teachers is not None
    assert teachers.members == (TEACHER_B,)
    schedule.finish(teachers, done(teachers))
    students = schedule.next()
    assert students is not None
    assert students.members == (PANDA_B,)
    assert schedule.exhausted


def test_a_failed_source_blocks_everything_behind_it_in_the_real_graph(tmp_path: Path) -> None:
    """One of three sources fails; it is a target too, and the pairs of targets are not equally many."""
    sources, targets = ["review", "kinds", "paraphrase"], ["remark", "kinds"]
    plan, _ = planned(small_sweep(tmp_path, sources=sources, targets=targets, self_pairs="skip", seeds=[1, 2]))
    (failed,) = [
        key for key, unit in plan.units.items() if (unit.method, unit.task, unit.seed) == ("prompt_tuning", "kinds", 2)
    ]
    behind = {failed}
    for key, needed in plan.depends_on.items():  # a unit comes after what it needs
        if not behind.isdisjoint(needed):
            behind.add(key)
    units = [plan.units[key] for key in behind - {failed}]
    assert {(unit.method, unit.sources, unit.task) for unit in units} == {
        ("task_embedding", (), "kinds"),
        *((method, ("kinds",), "remark") for method in ("pot", "teacher", "panda")),
        *(("panda", (source,), "kinds") for source in ("review", "paraphrase")),
    }
    assert {unit.seed for unit in units} == {2}
    schedule = Schedule(plan.stacks, plan.depends_on, plan.done)
    ran: set[str] = set()
    blocked: dict[str, str] = {}
    while (stack := schedule.next()) is not None:
        ran.update(unit.key for unit in stack.members)
        blocked |= schedule.finish(
            stack, [Outcome(unit.key, "failed" if unit.key == failed else "done") for unit in stack.todo]
        )
    assert schedule.exhausted
    assert blocked == dict.fromkeys(behind - {failed}, failed)
    assert ran == plan.units.keys() - blocked.keys()


def test_a_failure_blocks_what_is_behind_it_at_any_depth() -> None:
    chain = [unit(f"link {number}") for number in range(5)]
    graph: dict[str, tuple[str, ...]] = {chain[0].key: ()}
    graph |= {later.key: (sooner.key,) for sooner, later in pairwise(chain)}
    schedule = Schedule([Stack((link,)) for link in chain], graph, ())
    first = schedule.next()
    assert first is not None
    blocked = schedule.finish(first, [Outcome(chain[0].key, "failed", "NaN")])
    assert blocked == {link.key: chain[0].key for link in chain[1:]}
    assert schedule.exhausted


def test_all_blocked_is_exhausted() -> None:
    schedule = Schedule([Stack((SOURCE_A,)), Stack((TEACHER_A,)), Stack((PANDA_A,))], GRAPH, {SOURCE_B.key})
    stack = schedule.next()
    assert stack is not None
    schedule.finish(stack, [Outcome(SOURCE_A.key, "failed", "NaN")])
    assert schedule.next() is None
    assert schedule.exhausted


def test_a_finished_member_waits_for_what_it_needs_but_is_not_blocked() -> None:
    again = Stack((TEACHER_A, TEACHER_B), frozenset({TEACHER_A.key}))
    students = Stack((PANDA_A, PANDA_B))
    schedule = Schedule([Stack((SOURCE_A,)), again, students], GRAPH, {SOURCE_B.key, TEACHER_A.key})
    source = schedule.next()
    assert source is not None
    assert schedule.next() is None
    assert schedule.finish(source, [Outcome(SOURCE_A.key, "failed", "NaN")]) == {PANDA_A.key: SOURCE_A.key}
    stack = schedule.next()
    assert stack is not None
    assert stack.members == (TEACHER_B,)


def test_failures_half_way_leave_the_rest_of_split_stacks_running() -> None:
    """Members of one stack become ready at different times; some of what they wait for fails."""
    sources = [unit(f"source {number}") for number in range(12)]
    students = [unit(f"student {number}") for number in range(12)]
    graph: dict[str, tuple[str, ...]] = {source.key: () for source in sources}
    graph |= {student.key: (source.key,) for source, student in zip(sources, students, strict=True)}
    stacks = [*(Stack((source,)) for source in sources), Stack(tuple(students[:6])), Stack(tuple(students[6:]))]
    shaper = Shaper(lambda stack, workers: 1000.0 + 100 * len(stack.members), 1, lambda: 0.0)
    schedule = Schedule(stacks, graph, (), shaper)
    running: list[Stack] = []
    finished: set[str] = set()
    blocked: dict[str, str] = {}
    ran: list[str] = []
    chance = random.Random(0)
    while not schedule.exhausted or running:
        while (stack := schedule.next(slots=5)) is not None:
            assert all(needed in finished for unit in stack.members for needed in graph[unit.key])
            running.append(stack)
            ran += [unit.key for unit in stack.members]
        assert len(running) <= 5
        ended = running.pop(chance.randrange(len(running)))
        failed = {member.key for member in ended.members if member in sources[::4]}
        finished.update(member.key for member in ended.members if member.key not in failed)
        outcomes = [Outcome(member.key, "failed" if member.key in failed else "done") for member in ended.todo]
        blocked |= schedule.finish(ended, outcomes)
    assert blocked == {student.key: source.key for source, student in zip(sources[::4], students[::4], strict=True)}
    assert sorted(ran) == sorted(graph.keys() - blocked.keys())


def test_the_longest_path_comes_first_and_without_seconds_the_order_of_the_plan() -> None:
    long, short, last = unit("long"), unit("short"), unit("last")
    graph: dict[str, tuple[str, ...]] = {short.key: (), long.key: (), last.key: (long.key,)}
    stacks = [Stack((short,)), Stack((long,)), Stack((last,))]
    assert Schedule(stacks, graph, ()).next() == stacks[0]
    shaper = Shaper(lambda stack, workers: 10.0, 1, lambda: 0.0)
    assert Schedule(stacks, graph, (), shaper).next() == stacks[1]


def test_a_long_stack_is_held_back_until_a_slot_is_free() -> None:
    stacks = [Stack((unit(f"source {number}"),)) for number in range(4)]
    graph: dict[str, tuple[str, ...]] = {stack.members[0].key: () for stack in stacks}
    for seconds, slots, handed_out in ((100.0, 2, 2), (10.0, 2, 4), (100.0, 1, 1), (100.0, 0, 0)):
        shaper = Shaper(partial(constant, seconds), 1, lambda: 0.0)
        schedule = Schedule(stacks, graph, (), shaper)
        found = [schedule.next(slots=slots) for _ in stacks]
        assert sum(stack is not None for stack in found) == handed_out
        assert schedule.wanted(slots) == 4 - handed_out


def test_slots_are_wanted_for_what_is_ready_and_has_none() -> None:
    """Of six stacks one needs another one, which comes first; two are handed out to the three slots that there are."""
    stacks = [Stack((unit(f"source {number}"),)) for number in range(6)]
    graph: dict[str, tuple[str, ...]] = {stack.members[0].key: () for stack in stacks}
    graph[stacks[5].members[0].key] = (stacks[4].members[0].key,)
    schedule = Schedule(stacks, graph, (), Shaper(partial(constant, 100.0), 1, lambda: 0.0))
    assert schedule.wanted(slots=0) == 5
    first, second = schedule.next(slots=3), schedule.next(slots=3)
    assert schedule.wanted(slots=3) == 2
    assert first is not None
    schedule.finish(first, [Outcome(key, "done") for key in first.keys])
    assert second is not None
    assert schedule.wanted(slots=3) == 2, "another one is ready, and another slot is free"
    assert schedule.wanted(slots=9) == 0


def test_a_stack_that_waits_is_cut_for_the_slots_that_there_are_when_it_starts() -> None:
    """One stack runs on the one slot when eight members are ready, who save half of their work side by side."""
    running, members = Stack((unit("running"),)), tuple(unit(f"source {number}") for number in range(8))
    graph: dict[str, tuple[str, ...]] = {member.key: () for member in (*running.members, *members)}
    for slots, widths in ((1, []), (2, [4]), (3, [3, 3]), (5, [2] * 4)):
        shaper = Shaper(lambda stack, workers: 400.0 + 400.0 * len(stack.members), 1, lambda: 0.0)
        schedule = Schedule([running], graph, (), shaper)
        assert schedule.next(slots=1) == running
        schedule.add([Stack(members)], {member.key: () for member in members}, ())
        assert schedule.next(slots=1) is None
        started = [stack for _ in members if (stack := schedule.next(slots=slots)) is not None]
        assert [len(stack.members) for stack in started] == widths


def test_a_stack_that_goes_on_with_fewer_workers_leaves_its_other_slots_to_the_next_ones() -> None:
    stacks = [Stack((unit(f"source {number}"),)) for number in range(3)]
    graph: dict[str, tuple[str, ...]] = {stack.members[0].key: () for stack in stacks}
    shaper = Shaper(lambda stack, workers: 1000.0 / workers, 2, lambda: 0.0)
    schedule = Schedule(stacks, graph, (), shaper)
    spread = schedule.next(slots=3)
    assert spread is not None
    schedule.shrink(replace(spread, workers=2))
    taken = [schedule.next(slots=3) for _ in range(2)]
    assert [stack is not None for stack in taken] == [True, False]
    schedule.shrink(replace(spread, workers=1))
    assert schedule.next(slots=3) is not None
