"""A graph that grows while it runs: in a schedule, in a plan, and in a run that somebody steers."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from panda_ray.execution.events import Listener, Outcome, Status
from panda_ray.execution.planning.growth import Proposal, grown
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.scheduling.schedule import Schedule
from panda_ray.execution.scheduling.shapes.allotment import Shaper
from panda_ray.execution.scheduling.simulation import simulate
from panda_ray.execution.steering import Steering
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.member import EpochScore
from support.sweeps.records import BARE
from support.sweeps.small_sweeps import planned, small_sweep
from support.sweeps.steerings import Steps, Stopper, nothing_of, proposal_of

CONFIG = TrainConfig(lr=1e-3, batch_size=16, epochs=2)
Graph = dict[str, tuple[str, ...]]


def unit(name: str) -> Unit:
    return Unit("prompt", "pot", 1, BackboneRef("tiny", "local:0"), DataRef("rte", "f", 1), 1, (name,), CONFIG)


FIRST, SECOND, THIRD = unit("first"), unit("second"), unit("third")


def shaper(seconds: float) -> Shaper:
    return Shaper(lambda stack, workers: seconds * (1 + len(stack.members)) / workers, 3, lambda: 0.0)


def test_what_needs_a_unit_that_is_done_starts_at_once() -> None:
    schedule = Schedule([Stack((FIRST,))], {FIRST.key: ()}, ())
    first = schedule.next()
    assert first is not None
    schedule.finish(first, [Outcome(FIRST.key, "done")])
    assert schedule.exhausted
    assert schedule.add([Stack((SECOND,))], {SECOND.key: (FIRST.key,)}, ()) == {}
    assert not schedule.exhausted
    assert schedule.next() == Stack((SECOND,))


def test_what_needs_a_unit_that_runs_waits_for_it() -> None:
    schedule = Schedule([Stack((FIRST,))], {FIRST.key: ()}, ())
    first = schedule.next()
    assert first is not None
    schedule.add([Stack((SECOND,))], {SECOND.key: (FIRST.key,)}, ())
    assert schedule.next() is None
    schedule.finish(first, [Outcome(FIRST.key, "done")])
    assert schedule.next() == Stack((SECOND,))


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_what_needs_a_unit_that_was_lost_is_blocked_at_once_and_so_is_what_needs_that(status: Status) -> None:
    graph = {FIRST.key: (), SECOND.key: (FIRST.key,)}
    schedule = Schedule([Stack((FIRST,)), Stack((SECOND,))], graph, ())
    first = schedule.next()
    assert first is not None
    assert schedule.finish(first, [Outcome(FIRST.key, status)]) == {SECOND.key: FIRST.key}
    fourth = unit("fourth")
    added = {THIRD.key: (SECOND.key,), fourth.key: ()}
    assert schedule.add([Stack((THIRD, fourth))], added, ()) == {THIRD.key: FIRST.key}
    assert schedule.next() == Stack((fourth,))
    assert schedule.exhausted


def test_what_has_a_result_in_the_store_lets_start_what_needs_it() -> None:
    schedule = Schedule([], {}, ())
    schedule.add([Stack((SECOND,))], {FIRST.key: (), SECOND.key: (FIRST.key,)}, [FIRST.key])
    assert schedule.next() == Stack((SECOND,))


def test_a_waiting_stack_comes_first_when_what_is_added_makes_its_path_the_longest() -> None:
    for grows in (False, True):
        schedule = Schedule([Stack((FIRST,)), Stack((SECOND,))], {FIRST.key: (), SECOND.key: ()}, (), shaper(10))
        if grows:
            schedule.add([Stack((THIRD,))], {THIRD.key: (SECOND.key,)}, ())
        assert schedule.next() == Stack((SECOND if grows else FIRST,))


class Model:
    """By brute force: what may start, and what is blocked, of a graph that grows."""

    def __init__(self) -> None:
        self.graph: Graph = {}
        self.done: set[str] = set()
        self.lost: set[str] = set()
        self.started: set[str] = set()

    @property
    def blocked(self) -> set[str]:
        """What needs a unit that was lost; what is done is not asked what it needed."""
        behind: dict[str, bool] = {}

        def behind_lost(key: str) -> bool:
            if key not in behind:
                behind[key] = any(
                    needed in self.lost or (needed not in self.done and behind_lost(needed))
                    for needed in self.graph[key]
                )
            return behind[key]

        return {key for key in self.graph if key not in self.done | self.lost and behind_lost(key)}

    @property
    def open(self) -> set[str]:
        return self.graph.keys() - self.started - self.done - self.blocked


@pytest.mark.parametrize("make_shaper", [lambda: None, lambda: shaper(1.0), lambda: shaper(1000.0)])
@pytest.mark.parametrize("seed", range(40))
def test_any_graph_that_grows_at_any_time_runs_as_brute_force_says(
    seed: int, make_shaper: Callable[[], Shaper | None]
) -> None:
    chance, model, running = random.Random(seed), Model(), list[Stack]()
    blocked: dict[str, str] = {}
    schedule = Schedule([], {}, (), make_shaper())
    slots = chance.choice([1, 2, 5])
    left = chance.choice([3, 20, 60])

    def grow() -> None:
        nonlocal left
        names, stacks, done, graph = list[Unit](), list[Stack](), list[str](), Graph()
        for _ in range(min(left, chance.choice([1, 2, 7]))):
            left -= 1
            known = sorted({*model.graph, *graph})
            new = unit(f"unit {left}")
            graph[new.key] = tuple(chance.sample(known, min(len(known), chance.choice([0, 1, 1, 3]))))
            if chance.random() < 0.1 and {*model.done, *done}.issuperset(graph[new.key]):
                done.append(new.key)
            else:
                names.append(new)
        while names:  # a stack holds nothing that needs another member
            members = [names.pop()]
            while names and chance.random() < 0.5 and not any(names[-1].key in graph[one.key] for one in members):
                members.append(names.pop())
            stacks.append(Stack(tuple(members)))
        model.graph |= graph
        model.done.update(done)
        blocked.update(schedule.add(stacks, graph, done))

    while left or running or not schedule.exhausted:
        if left and (chance.random() < 0.4 or not (running or model.open)):
            grow()
        while (stack := schedule.next(slots=slots)) is not None:
            for member in stack.members:
                assert member.key not in model.started | model.done | model.blocked
                assert model.done.issuperset(model.graph[member.key])
                model.started.add(member.key)
            running.append(stack)
        assert blocked.keys() == model.blocked
        assert schedule.exhausted == (not model.open)
        assert running or left or schedule.exhausted, "something waits for ever"
        if running:
            ended = running.pop(chance.randrange(len(running)))
            status: Mapping[str, Status] = {
                one.key: chance.choices(("done", "failed", "stopped"), (8, 1, 1))[0] for one in ended.members
            }
            blocked.update(schedule.finish(ended, [Outcome(key, how) for key, how in status.items()]))
            model.done.update(key for key, how in status.items() if how == "done")
            model.lost.update(key for key, how in status.items() if how != "done")
    assert model.started | model.done | model.blocked == model.graph.keys()
    assert all(cause in model.lost for cause in blocked.values())


def whole_and_begun(tmp_path: Path) -> tuple[Plan, Plan]:
    """All of the small sweep, and its source prompts alone."""
    whole, _ = planned(small_sweep(tmp_path))
    sources = proposal_of(whole, [key for key, role in whole.role_of.items() if role == "source"])
    return whole, grown(nothing_of(whole), sources)


def test_a_grown_plan_has_the_new_units_once_and_its_old_stacks_in_front(tmp_path: Path) -> None:
    whole, begun = whole_and_begun(tmp_path)
    assert begun.units.keys() < whole.units.keys()
    plan = grown(begun, proposal_of(whole, whole.units))
    assert plan.units == whole.units
    assert plan.depends_on == whole.depends_on
    assert (plan.cells, plan.role_of, plan.label_of) == (whole.cells, whole.role_of, whole.label_of)
    assert plan.stacks[: len(begun.stacks)] == begun.stacks
    packed = [unit.key for stack in plan.stacks for unit in stack.members]
    assert sorted(packed) == sorted(whole.units)
    for stack in plan.stacks:
        needed = {key for unit in stack.members for key in plan.depends_on[unit.key]}
        assert needed.isdisjoint(stack.keys), "no member waits for another one"
    assert begun.units.keys() < plan.units.keys(), "the plan that it was is as it was"
    assert grown(plan, proposal_of(whole, whole.units)) == replace(plan, cells=plan.cells + whole.cells)


def test_what_the_store_has_of_a_proposal_is_done_and_its_checkpoints_go_on(tmp_path: Path) -> None:
    whole, begun = whole_and_begun(tmp_path)
    _, store = planned(whole.sweep)
    pots = [key for key, unit in whole.units.items() if unit.method == "pot"]
    store.checkpoints.of(pots).save(b"state")
    embedding = next(key for key, unit in whole.units.items() if unit.product == "embedding")
    store.publish(embedding, BARE | {"key": embedding}, {})
    plan = grown(begun, proposal_of(whole, whole.units), store)
    assert plan.done == {embedding}
    assert [stack.keys for stack in plan.stacks if stack.continued] == [tuple(pots)]
    assert embedding not in {key for stack in plan.stacks for key in stack.keys}


def test_the_store_is_asked_once_for_what_is_new_and_lists_nothing(tmp_path: Path) -> None:
    whole, begun = whole_and_begun(tmp_path)
    asked: list[set[str]] = []

    class Asked(Store):
        def done_among(self, keys: Iterable[str]) -> frozenset[str]:
            asked.append(set(keys))
            return super().done_among(keys)

        def done_keys(self, among: Collection[str] | None = None) -> frozenset[str]:
            raise AssertionError("a listing of the whole store")

    grown(begun, proposal_of(whole, whole.units), Asked(str(tmp_path)))
    assert asked == [whole.units.keys() - begun.units.keys()]


def test_a_proposal_makes_a_source_a_cell_and_never_a_cell_a_source(tmp_path: Path) -> None:
    whole, begun = whole_and_begun(tmp_path)
    key = next(iter(begun.units))
    as_cell = Proposal({key: whole.units[key]}, {key: "cell"}, {key: "a method"})
    plan = grown(begun, as_cell)
    assert (plan.role_of[key], plan.label_of[key]) == ("cell", "a method")
    again = grown(plan, proposal_of(begun, [key]))
    assert (again.role_of[key], again.label_of[key]) == ("cell", "a method")


@pytest.mark.parametrize("slots", [1, 3])
def test_a_run_that_grows_step_by_step_does_all_that_a_fixed_plan_does(tmp_path: Path, slots: int) -> None:
    whole, begun = whole_and_begun(tmp_path)
    steps = Steps(whole)
    run = simulate(begun, slots, lambda stack, workers: 10.0 * len(stack.members), steps)
    assert sorted(unit.key for one in run.ran for unit in one.stack.members) == sorted(whole.units)
    ended = {unit.key: one.end for one in run.ran for unit in one.stack.members}
    for one in run.ran:
        assert all(ended[needed] <= one.start for unit in one.stack.members for needed in whole.depends_on[unit.key])
    cells = list(dict.fromkeys(cell.key for cell in whole.cells))
    assert sorted(cells, key=ended.__getitem__) == cells, "one after the other, as they were proposed"
    assert steps.heard == {key: Outcome(key, "done") for key in whole.units}
    assert max(steps.asked) <= slots
    assert 0 in steps.asked, "after each stack, too"


class Ears(Listener):
    """Remembers all that it hears."""

    def __init__(self) -> None:
        self.plans: list[int] = []
        self.outcomes: list[Outcome] = []
        self.held: list[str] = []

    def on_grown(self, plan: Plan) -> None:
        self.plans.append(len(plan.units))

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def on_held(self, stack: Stack, keys: object) -> None:
        self.held += keys  # type: ignore[operator]


def run_all(dispatch: Dispatch, status_of: Mapping[str, Status]) -> None:
    """Everything ends as `status_of` says, or well."""
    while not dispatch.exhausted:
        stack = dispatch.next()
        assert stack is not None
        dispatch.finished(stack, [Outcome(unit.key, status_of.get(unit.key, "done")) for unit in stack.todo])


def nothing_lasts(stack: Stack, workers: int) -> float:
    return 1.0


def test_a_failure_of_a_grown_unit_blocks_its_dependents_alone_and_all_of_them_count(tmp_path: Path) -> None:
    whole, begun = whole_and_begun(tmp_path)
    ears, steps = Ears(), Steps(whole)
    teacher = next(key for key, role in whole.role_of.items() if role == "teacher")
    dispatch = Dispatch(begun, nothing_lasts, ears, steps)
    run_all(dispatch, {teacher: "failed"})
    behind = {key for key, needed in whole.depends_on.items() if teacher in needed}
    summary = dispatch.summary()
    assert summary.failed.keys() == {teacher}
    assert summary.blocked == dict.fromkeys(behind, teacher)
    assert summary.new == summary.done == whole.units.keys() - behind - {teacher}
    assert summary.plan.units.keys() == whole.units.keys()
    assert not summary.complete
    assert ears.plans[-1] == len(whole.units)
    assert steps.heard.keys() == whole.units.keys()
    assert {outcome.key: outcome for outcome in ears.outcomes} == steps.heard
    reasons = {outcome.error for outcome in ears.outcomes if outcome.status == "blocked"}
    assert reasons == {f"needs {whole.units[teacher].title}, which failed"}


def test_what_is_proposed_again_is_heard_of_at_once_as_it_ended_and_not_run_again(tmp_path: Path) -> None:
    whole, begun = whole_and_begun(tmp_path)
    first, second = list(begun.units)[:2]

    class Again(Stopper):
        """Asks for both prompts once more when both have ended, then for nothing."""

        heard_again: dict[str, Outcome] | None = None

        @property
        def exhausted(self) -> bool:
            return self.heard_again is not None

        def propose(self, idle: int) -> Proposal | None:
            if self.heard_again is not None or self.heard.keys() != begun.units.keys():
                return None
            self.heard_again = self.heard = {}
            return proposal_of(whole, begun.units)

    again = Again((), 1)
    dispatch = Dispatch(begun, nothing_lasts, Listener(), again)
    run_all(dispatch, {second: "failed"})
    assert {key: outcome.status for key, outcome in again.heard.items()} == {first: "done", second: "failed"}
    assert dispatch.summary().new == {first}


def test_a_run_waits_for_a_steering_that_has_more_to_propose(tmp_path: Path) -> None:
    _, begun = whole_and_begun(tmp_path)

    class Undecided(Steering):
        exhausted = False  # type: ignore[assignment]

    undecided = Undecided()
    dispatch = Dispatch(replace(begun, stacks=()), nothing_lasts, steering=undecided)
    assert dispatch.next() is None
    assert not dispatch.exhausted
    undecided.exhausted = True  # type: ignore[misc]
    assert dispatch.exhausted


def test_a_run_is_not_over_while_a_stack_runs_that_may_come_back(tmp_path: Path) -> None:
    _, begun = whole_and_begun(tmp_path)
    dispatch = Dispatch(begun, nothing_lasts)
    stacks = [dispatch.next() for _ in begun.stacks]
    assert dispatch.next() is None
    for stack in stacks:
        assert stack is not None
        assert not dispatch.exhausted
        dispatch.finished(stack, [Outcome(unit.key, "done") for unit in stack.todo])
    assert dispatch.exhausted


def report(epoch: int, *keys: str) -> EpochReport:
    scores = dict.fromkeys(keys, 50.0)
    return EpochReport(epoch, 9, dict.fromkeys(keys, 0.5), scores, scores, 1.0, 1.0)


def test_members_stop_as_the_steering_says_and_a_decision_stands(tmp_path: Path) -> None:
    _, begun = whole_and_begun(tmp_path)
    mine, other = list(begun.units)[:2]

    class Once(Stopper):
        """Would stop everybody, once."""

        def stops(self, report: EpochReport) -> list[str]:
            return [mine, other] if report.epoch == 2 else []

    dispatch = Dispatch(begun, nothing_lasts, steering=Once([mine], 2))
    stack = Stack((begun.units[mine], begun.units[other]))
    assert dispatch.may_stop(stack)
    assert not dispatch.may_stop(Stack((begun.units[other],)))
    assert dispatch.epoch(stack, report(1, mine, other)) == set()
    assert dispatch.epoch(stack, report(2, mine, other)) == {mine}, "only who may be"
    assert dispatch.epoch(stack, report(1, mine, other)) == {mine}, "after the death of its worker"
    assert dispatch.epoch(stack, report(3, other)) == set()


HISTORY = (EpochScore(1, 0.5, 50.0, 51.0, 49.0),)


def test_a_stopped_unit_is_neither_done_nor_failed_and_its_history_is_heard(tmp_path: Path) -> None:
    _, begun = whole_and_begun(tmp_path)
    key = next(iter(begun.units))
    ears, stopper = Ears(), Stopper([key], 1)
    dispatch = Dispatch(begun, nothing_lasts, ears, stopper)
    while (stack := dispatch.next()) is not None:
        outcomes = [
            Outcome(unit.key, "stopped", history=HISTORY) if unit.key == key else Outcome(unit.key, "done")
            for unit in stack.todo
        ]
        dispatch.finished(stack, outcomes)
    assert dispatch.exhausted
    summary = dispatch.summary()
    assert summary.stopped == {key}
    assert key not in summary.done
    assert not summary.failed
    assert summary.complete
    assert stopper.heard[key].history == HISTORY


def test_a_unit_that_an_earlier_run_stopped_is_trained_anew_where_it_may_not_be_stopped(tmp_path: Path) -> None:
    _, begun = whole_and_begun(tmp_path)
    ears = Ears()
    dispatch = Dispatch(begun, nothing_lasts, ears)
    first = dispatch.next()
    assert first is not None
    key = first.keys[0]
    dispatch.finished(first, [Outcome(one, "stopped" if one == key else "done") for one in first.keys])
    assert ears.held == [key]
    assert key not in {outcome.key for outcome in ears.outcomes}
    run_all(dispatch, {})
    summary = dispatch.summary()
    assert summary.done == begun.units.keys()
    assert not summary.stopped
