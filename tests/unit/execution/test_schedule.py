"""The schedule: nothing starts before what it needs, and a failure takes only its dependents with it."""

from __future__ import annotations

import random

import pytest

from panda_ray.execution.events import Outcome
from panda_ray.execution.schedule import Schedule
from panda_ray.execution.stack import Stack
from panda_ray.execution.unit import BackboneRef, DataRef, Unit
from panda_ray.training.config import TrainConfig

CONFIG = TrainConfig(lr=1e-3, batch_size=16, epochs=2)


def unit(name: str) -> Unit:
    return Unit("train", name, 1, BackboneRef("tiny", "local:0"), DataRef("rte", "f", 1), 1, config=CONFIG)


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
