"""What another driver is at work on: left to it, waited for, and taken up again when the other one is done or gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.elsewhere import LOOK_SECONDS, Elsewhere
from panda_ray.execution.scheduling.schedule import Schedule
from panda_ray.execution.store.memory_limits import Limit
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.execution.work.run_stack import settle
from panda_ray.training.config import TrainConfig
from support.sweeps.records import BARE

CONFIG = TrainConfig(lr=1e-3, batch_size=16, epochs=2)
UNITS = [
    Unit("train", "pot", 1, BackboneRef("tiny", "local:0"), DataRef("rte", "rows", 1), seed, config=CONFIG)
    for seed in range(4)
]
KEYS = [unit.key for unit in UNITS]
STACK = Stack(tuple(UNITS))


class Trainer:
    """Takes the place of a training, and notes its members."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.trained: list[list[str]] = []

    def run(self, stack: Stack, limit: Limit | None) -> list[Outcome]:
        self.trained.append([unit.key for unit in stack.members])
        assert Store(self.store.url).leases.taken(KEYS) >= {unit.key for unit in stack.todo}, "others see it"
        for unit in stack.todo:
            self.store.publish(unit.key, BARE | {"key": unit.key}, {})
        return [Outcome(unit.key, "done") for unit in stack.todo]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_members_that_another_driver_holds_are_left_to_it(store: Store) -> None:
    trainer = Trainer(store)
    with Store(store.url).leases.take("its stack", KEYS[1:3]):
        outcomes = settle(STACK, store, trainer.run)
    assert {outcome.key: outcome.status for outcome in outcomes} == {
        **dict.fromkeys(KEYS[1:3], "held"),
        KEYS[0]: "done",
        KEYS[3]: "done",
    }
    assert trainer.trained == [[KEYS[0], KEYS[3]]]
    assert Store(store.url).leases.taken(KEYS) == frozenset(), "the lease ends with the stack"


def test_a_stack_with_a_checkpoint_waits_for_all_of_its_members(store: Store) -> None:
    trainer = Trainer(store)
    with Store(store.url).leases.take("its stack", KEYS[1:3]):
        outcomes = settle(replace(STACK, continued=True), store, trainer.run)
        assert Store(store.url).leases.taken(KEYS) == set(KEYS[1:3])
    assert [outcome.status for outcome in outcomes] == ["held"] * 4
    assert trainer.trained == []


def test_what_another_driver_has_published_is_not_trained_as_a_neighbour(store: Store) -> None:
    trainer = Trainer(store)
    store.publish(KEYS[0], BARE | {"key": KEYS[0]}, {})
    assert [outcome.status for outcome in settle(STACK, store, trainer.run)] == ["done"] * 4
    assert trainer.trained == [KEYS[1:]]


def test_a_stack_that_was_begun_keeps_its_shape(store: Store) -> None:
    trainer = Trainer(store)
    store.publish(KEYS[0], BARE | {"key": KEYS[0]}, {})
    store.checkpoints.of(STACK.keys).save(b"state")
    assert len(settle(STACK, store, trainer.run)) == 4
    assert trainer.trained == [KEYS]


def test_an_error_ends_the_lease(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        settle(STACK, store, lambda *_: [Outcome(KEYS[0], "done")] * (1 // 0))
    assert Store(store.url).leases.taken(KEYS) == frozenset()


def test_what_is_held_comes_back_member_by_member_but_not_before_the_next_look() -> None:
    now, taken, looks = 0.0, set(KEYS[1:3]), 0

    def look(keys: object) -> set[str]:
        nonlocal looks
        looks += 1
        return taken

    elsewhere = Elsewhere(look, clock=lambda: now)
    elsewhere.add(STACK, set(KEYS[1:4]))
    assert elsewhere.returned() == []
    assert looks == 0
    now += LOOK_SECONDS
    assert elsewhere.returned() == [Stack((UNITS[3],))]
    taken.clear()
    assert elsewhere.returned() == []
    now += LOOK_SECONDS
    assert elsewhere.returned() == [Stack((UNITS[1], UNITS[2]))]
    assert (elsewhere.stacks, looks) == ([], 2)


def test_a_stack_with_a_checkpoint_comes_back_whole() -> None:
    taken = {KEYS[1]}
    elsewhere = Elsewhere(lambda _: taken, clock=iter(range(0, 1000, 10)).__next__)
    stack = replace(STACK, continued=True)
    elsewhere.add(stack, set(KEYS))
    assert elsewhere.returned() == []
    taken.clear()
    assert elsewhere.returned() == [stack]


def test_what_waits_for_a_unit_that_is_held_goes_on_waiting() -> None:
    first, second = Stack((UNITS[0],)), Stack((UNITS[1],))
    schedule = Schedule([first, second], {KEYS[0]: (), KEYS[1]: (KEYS[0],)}, ())
    assert schedule.next() == first
    assert schedule.finish(first, [Outcome(KEYS[0], "held")]) == {}
    assert schedule.next() is None
    schedule.put_back(first)
    assert schedule.next() == first
    assert schedule.finish(first, [Outcome(KEYS[0], "done")]) == {}
    assert schedule.next() == second
