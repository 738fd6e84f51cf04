"""What a running sweep looks like: a picture on a terminal, sparse lines elsewhere. The events are real."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from panda_ray.cli.drawing.display import LiveDisplay, PlainDisplay, make_display
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.training.engine.epoch_report import EpochReport


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = str(tmp_path_factory.mktemp("store"))
    sweep = Sweep.model_validate(
        {
            "name": "tiny",
            "storage": folder,
            "backbones": ["builtin-tiny"],
            "sources": ["review", "rating"],
            "targets": ["remark"],
            "methods": ["prompt_tuning", "pot"],
        }
    )
    return build_plan(sweep, Store(folder))


def of_task(plan: Plan, task: str, method: str = "prompt_tuning") -> Stack:
    return next(s for s in plan.stacks if s.members[0].task == task and s.members[0].method == method)


def play(display: Listener, plan: Plan) -> None:
    """A run in which one source prompt fails, and with it a cell."""
    failing, fine = of_task(plan, "rating"), of_task(plan, "review")
    blocked = next(unit for unit in plan.units.values() if unit.sources == ("rating",))
    display.on_plan(plan)
    for stack in (failing, fine):
        display.on_stack_started(stack)
    display.on_lost(fine, "a worker on panda2 died")
    display.on_epoch(
        fine,
        EpochReport(1, 8, losses={}, scores={}, selecting={}, examples_per_second=1234.0, seconds=1.0),
    )
    display.on_outcome(failing, Outcome(failing.members[0].key, "failed", "the loss became NaN in step 3"))
    display.on_outcome(None, Outcome(blocked.key, "blocked", "needs a failed unit"))
    display.on_outcome(fine, Outcome(fine.members[0].key, "done"))
    display.on_finished(RunSummary(plan, new=frozenset({fine.members[0].key})))


def test_a_log_has_a_line_of_progress_every_now_and_then_until_it_is_closed(plan: Plan) -> None:
    console = Console(file=io.StringIO(), width=160)
    display = PlainDisplay(console, Costs.of(plan, ()), every=0.02)
    display.on_plan(plan)
    display.on_stack_started(of_task(plan, "review"))
    deadline = time.monotonic() + 60
    while "0 of 5 units done, 1 running, 0 s so far" not in (said := text_of(console)):
        assert time.monotonic() < deadline, said
        time.sleep(0.01)
    display.close()
    time.sleep(0.1)
    said = text_of(console)
    time.sleep(0.2)
    assert text_of(console) == said


def test_a_log_tells_again_and_again_but_not_with_every_line_that_no_node_comes(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panda_ray.usecases.progress.STALLED_SECONDS", 0.5)
    monkeypatch.setattr("panda_ray.cli.drawing.display.STALLED_SECONDS", 0.5)
    console = Console(file=io.StringIO(), width=160)
    display = PlainDisplay(console, Costs.of(plan, ()), every=0.01)
    display.on_plan(plan)
    deadline = time.monotonic() + 60
    while text_of(console).count("no node has come") < 2:
        assert time.monotonic() < deadline, text_of(console)
        time.sleep(0.01)
    display.close()
    lines = text_of(console).splitlines()
    assert sum("no node has come" in line for line in lines) < sum("so far" in line for line in lines) / 2


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_lines_for_logs(plan: Plan) -> None:
    console = Console(file=io.StringIO(), width=160)
    display = make_display(console, Costs.of(plan, ()))
    assert isinstance(display, PlainDisplay)
    play(display, plan)
    display.close()
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0].startswith("0 of 5 units done, ")
    assert lines[2] == "failed: prompt_tuning rating (seed 11): the loss became NaN in step 3"
    assert lines[1] == f"{of_task(plan, 'review').title}: a worker on panda2 died; it goes on from its checkpoint"
    assert any("prompt_tuning -> review x1: finished; 1 of 5 units done" in line for line in lines)
    assert lines[-1].startswith("1 new results in")
    assert len(lines) == 6, "one line per start, loss, failure, finished stack and end"


def drawn(plan: Plan, height: int) -> str:
    """The last picture on a terminal of that height."""
    console = Console(file=io.StringIO(), width=100, height=height, force_terminal=True, color_system=None)
    display = make_display(console, Costs.of(plan, ()))
    assert isinstance(display, LiveDisplay)
    play(display, plan)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_picture_for_terminals(plan: Plan) -> None:
    picture = drawn(plan, height=50)
    assert "source prompts" in picture
    assert "1 failed" in picture
    assert "1/5 units" in picture
    assert "a worker on panda2 died; it goes on" in picture
    last = picture[picture.rindex("source prompts") :]
    rows = {line.split()[0]: line.split()[1:] for line in last.splitlines() if line.startswith(("review ", "rating "))}
    assert rows == {"review": ["·"], "rating": ["!"]}


def test_picture_shrinks_to_the_terminal(plan: Plan) -> None:
    picture = drawn(plan, height=8)
    assert "source prompts" in picture
    assert "■ done" not in picture
