"""One cell of a sweep out of its store and its driver's log, for a sweep that ran and in which one source failed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.host import this_host
from panda_ray.sweep import Sweep
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.usecases.on_head.cell_units import look_at_cell
from panda_ray.usecases.on_head.drive import drive
from panda_ray.usecases.on_head.home import find_home
from panda_ray.usecases.remote.cell_log import CellLog
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.watching.event_lines import EventLines, event_in, is_event
from support.sweeps.small_sweeps import SMALL, small_sweep

CHANGES = {
    "methods": ["prompt_tuning", "pot"],
    "metrics": [],
    "tasks": {"review": SMALL, "kinds": {**SMALL, "lr": 1e30}, "remark": SMALL},
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """What the driver of a submitted sweep has said, on a head whose store is still there."""
    root = tmp_path_factory.mktemp("root")
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PANDA_RAY_STORAGE", str(root))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)

        def run(sweep: Sweep) -> int:
            ended = run_sweep(sweep, InlineRunner(), lambda _: _Listening(EventLines(lines.append)))
            return 0 if ended.summary.complete else 1

        assert drive(small_sweep("runs/small", **CHANGES), "small-1", run) == 1
        yield ["3 of 9 units done", *lines, 'panda-ray event: {"at": 1']


class _Listening:
    def __init__(self, events: EventLines) -> None:
        self._events = events

    def __enter__(self) -> list[EventLines]:
        return [self._events]

    def __exit__(self, *_: object) -> None:
        pass


def cell(name: str) -> CellLog:
    answer = look_at_cell("small", name)
    return CellLog(name, answer["cells"], answer["units"])


def test_a_done_cell_has_its_units_in_their_order_with_host_time_and_score(log: list[str]) -> None:
    found = cell("review->remark@builtin-tiny")
    [pot] = found.cells
    assert (pot["method"], pot["seed"]) == ("pot", 1)
    source, last = (found.units[key] for key in pot["units"])
    assert (source["stage"], last["stage"]) == ("source prompts", "pot")
    for unit in (source, last):
        assert unit["state"] == "done"
        assert unit["hosts"] == [this_host()]
        assert unit["seconds"] > 0
        assert 0 <= unit["score"] <= 100
    assert source["finished_at"] < last["finished_at"]
    events = [(event["event"], event["units"]) for event in found.events(log)]
    assert [event for event, _ in events if event != "epoch"] == ["started", "done", "started", "done"]
    assert events[0][1] == [source["title"]]
    assert events[-1][1] == [last["title"]]
    assert ("epoch", [source["title"]]) in events


def test_a_cell_without_transfer_has_no_source_before_its_arrow(log: list[str]) -> None:
    [alone] = cell("->remark@builtin-tiny").cells
    assert (alone["method"], len(alone["units"])) == ("prompt_tuning", 1)


def test_a_blocked_cell_names_what_failed_before_it_and_a_failure_has_its_error_host_and_traceback(
    log: list[str],
) -> None:
    found = cell("kinds->remark@builtin-tiny")
    [pot] = found.cells
    source, last = (found.units[key] for key in pot["units"])
    assert (source["state"], last["state"]) == ("failed", "blocked")
    assert last["waits_for"] == [source["title"]]
    assert source["hosts"] == [this_host()]
    assert source["error"]
    events = [*found.events(log)]
    assert [event["says"] for event in events if event["event"] == "failed"] == [source["error"]]
    assert [event["units"] for event in events if event["event"] == "blocked"] == [[last["title"]]]
    sweep = small_sweep("unused", **CHANGES)
    store = Store(f"{find_home().root}/small")
    key = pot["units"][0]
    assert key in build_plan(sweep, store).units
    store.failures.write(key, "no room", "Traceback\n  in train", "panda2")
    source = cell("kinds->remark@builtin-tiny").units[key]
    assert (source["error"], source["traceback"], source["hosts"]) == ("no room", "Traceback\n  in train", ["panda2"])


def test_a_wrong_name_is_answered_with_the_nearest_cell(log: list[str]) -> None:
    with pytest.raises(InputError, match=r"no cell 'reveiw->remark@builtin-tiny'; did you mean 'review->remark@b"):
        cell("reveiw->remark@builtin-tiny")
    with pytest.raises(InputError, match="A cell is SOURCE->TARGET@BACKBONE"):
        cell("pot")


def test_half_a_line_is_no_event_and_is_not_for_people(log: list[str]) -> None:
    assert event_in(log[-1]) is None
    assert is_event(log[-1])
    assert not is_event(log[0])


def test_epochs_of_a_stack_are_told_every_half_minute() -> None:
    now, lines = [1000.0], []
    events = EventLines(lines.append, lambda: now[0])
    plan = build_plan(small_sweep("unused", **CHANGES), Store("unused"))
    stack = plan.stacks[0]
    events.on_stack_started(stack)
    for epoch in range(1, 5):
        events.on_epoch(stack, EpochReport(epoch, 4, {}, {}, {}, 1.0, 1.0, ("panda2",)))
        now[0] += 20
    told = [event for line in lines if (event := event_in(line)) and event["event"] == "epoch"]
    assert [(event["epoch"], event["hosts"]) for event in told] == [(1, ["panda2"]), (3, ["panda2"])]
