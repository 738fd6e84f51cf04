"""Whatever stops a run, the same run continues it: nothing is done twice, and the bytes are those of a quiet run."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.execution.store.leases import EXPIRY_SECONDS
from panda_ray.execution.store.store import Store
from panda_ray.execution.work import members
from panda_ray.execution.work.host import this_host
from panda_ray.tracking.experiment import open_experiment
from panda_ray.tracking.runs import KEY, search
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.writing.unit_runs.unit_run import times_of
from panda_ray.usecases.run import run_sweep
from support.processes.driving import driver, small_disk, wait_for
from support.sweeps.small_sweeps import LONG, SMALL, contents, fingerprints, planned, small_sweep


def run(storage: Path, **changes: object) -> RunSummary:
    plan, store = planned(small_sweep(storage, **changes))
    return run_plan(plan, Costs.in_store(plan, store), store, InlineRunner())


def test_a_finished_sweep_runs_nothing(quiet: Path) -> None:
    before = fingerprints(quiet)
    summary = run(quiet)
    assert summary.new == frozenset()
    assert summary.complete
    assert fingerprints(quiet) == before


@pytest.mark.slow
def test_killed_in_the_middle_of_a_stack_it_continues_from_the_checkpoint(quiet_long: Path, tmp_path: Path) -> None:
    with driver(tmp_path, "inline") as process:
        wait_for(process, "epoch pot 6")
        process.kill()
    finished = fingerprints(tmp_path)
    assert finished
    assert list(tmp_path.glob("checkpoints/*"))
    epochs: list[int] = []

    class Epochs(Listener):
        def on_epoch(self, stack: Stack, report: object) -> None:
            if stack.members[0].method == "pot":
                epochs.append(report.epoch)  # type: ignore[attr-defined]

    plan, store = planned(small_sweep(tmp_path, training=LONG))
    assert run_plan(plan, Costs.in_store(plan, store), store, InlineRunner(), [Epochs()]).complete
    assert min(epochs) > 1
    assert contents(tmp_path) == contents(quiet_long)
    assert finished.items() <= fingerprints(tmp_path).items()
    assert not list(tmp_path.glob("checkpoints/*"))


@pytest.mark.slow
def test_a_signal_ends_a_run_cleanly(quiet_long: Path, tmp_path: Path) -> None:
    with driver(tmp_path, "inline") as process:
        wait_for(process, "epoch pot 4")
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
        assert process.wait(timeout=60) == 1
    assert lines[-1].startswith("summary 3 ")
    assert "SIGTERM" in lines[-1]
    assert run(tmp_path, training=LONG).complete
    assert contents(tmp_path) == contents(quiet_long)


def trained(process: subprocess.Popen[str]) -> list[str]:
    """Keys of what a driver computed since the last line that was read, once it has ended well."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    assert process.wait(timeout=60) == 0
    return [line.removeprefix("trained ") for line in lines if line.startswith("trained ")]


def keys(storage: Path, **changes: object) -> frozenset[str]:
    """Of every unit of the long small sweep, by key."""
    plan, _ = planned(small_sweep(storage, training=LONG, **changes))
    return frozenset(plan.units)


def test_two_drivers_on_one_store_do_each_unit_once(quiet_long: Path, tmp_path: Path) -> None:
    with driver(tmp_path, "inline") as first, driver(tmp_path, "inline") as second:
        done = [trained(first), trained(second)]
    assert all(done), "both did a part"
    assert Counter(done[0] + done[1]) == Counter(keys(tmp_path))
    assert contents(tmp_path) == contents(quiet_long)
    assert run(tmp_path, training=LONG).new == frozenset()
    assert not list(tmp_path.glob("checkpoints/*"))
    assert not list(tmp_path.glob("leases/*"))


def test_drivers_of_sweeps_that_overlap_do_each_unit_once(tmp_path: Path) -> None:
    with (
        driver(tmp_path, "inline", "review", "kinds") as first,
        driver(tmp_path, "inline", "kinds", "review", "paraphrase") as second,
    ):
        done = trained(first) + trained(second)
    assert Counter(done) == Counter(keys(tmp_path, sources=["review", "kinds", "paraphrase"]))
    assert run(tmp_path, training=LONG, sources=["review", "kinds", "paraphrase"]).new == frozenset()


def test_what_a_killed_driver_was_at_work_on_is_taken_over_by_the_other_one(quiet_long: Path, tmp_path: Path) -> None:
    with driver(tmp_path, "inline") as first:
        wait_for(first, "epoch pot 4")
        first.send_signal(signal.SIGSTOP)  # or it might be done before the other one has started
        with driver(tmp_path, "inline") as second:
            wait_for(second, "held ")
            finished = fingerprints(tmp_path)
            killed = time.monotonic()
            first.kill()
            done = trained(second)
            assert time.monotonic() - killed < EXPIRY_SECONDS, "the process is gone from this machine"
    before = {Path(path).parent.name for path in finished}
    assert Counter(done) == Counter(key for key in keys(tmp_path) if key not in before)
    assert contents(tmp_path).keys() == contents(quiet_long).keys()
    assert finished.items() <= fingerprints(tmp_path).items()
    assert not list(tmp_path.glob("leases/*"))


@pytest.mark.parametrize("pattern", ["prompt.*", "predictions.*", "record.json", "embedding.*"])
def test_a_damaged_result_is_computed_again_and_nothing_but_what_was_built_on_it(
    quiet: Path, tmp_path: Path, pattern: str
) -> None:
    shutil.copytree(quiet, tmp_path, dirs_exist_ok=True)
    damaged = sorted(tmp_path.glob(f"units/*/*/{pattern}"))[0]
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2] + b"?" + content[len(content) // 2 + 1 :])
    summary = run(tmp_path)
    assert summary.new == {damaged.parent.name}
    assert summary.complete
    changed = summary.new
    for _ in range(3):  # the graph's depth
        plan, _ = planned(small_sweep(tmp_path))
        assert all(not changed.isdisjoint(plan.depends_on[key]) for key in plan.outdated)
        assert (changed := run(tmp_path).new) == plan.outdated
    assert not changed
    mended = contents(tmp_path)
    assert mended.keys() == contents(quiet).keys()


def unit_of(plan: Plan, method: str, sources: tuple[str, ...], task: str) -> str:
    (key,) = [
        key for key, unit in plan.units.items() if (unit.method, unit.sources, unit.task) == (method, sources, task)
    ]
    return key


def break_prompt(storage: Path, key: str) -> None:
    (path,) = storage.glob(f"units/*/{key}/prompt.*")
    path.write_bytes(b"damaged")


def test_what_was_built_on_a_result_that_came_out_different_is_computed_anew(quiet: Path, tmp_path: Path) -> None:
    """A teacher that is repaired alone draws other dropout than in its stack of two; the other pair is left alone."""
    shutil.copytree(quiet, tmp_path, dirs_exist_ok=True)
    plan, _ = planned(small_sweep(tmp_path))
    teacher, student = (unit_of(plan, method, ("review",), "remark") for method in ("teacher", "panda"))
    before = Store(str(tmp_path)).known(student)
    assert [file["key"] for file in before["inputs"]["teacher"]] == [teacher]
    assert set(before["inputs"]) == {"teacher", "source_embedding", "target_embedding"}
    break_prompt(tmp_path, teacher)
    assert run(tmp_path).new == {teacher}
    repaired = Store(str(tmp_path)).known(teacher)["files"]["prompt.safetensors"]["sha256"]
    assert repaired != before["inputs"]["teacher"][0]["sha256"]
    again, store = planned(small_sweep(tmp_path))
    assert again.outdated == {student}
    assert plan.done - again.done == {student}
    assert store.known(student) == before, "an old result stays until the new one takes its place"
    others = fingerprints(tmp_path)
    assert run(tmp_path).new == {student}
    after = store.known(student)
    assert after["inputs"]["teacher"][0]["sha256"] == repaired
    assert after["files"]["prompt.safetensors"] != before["files"]["prompt.safetensors"]
    changed = {path for path, print_ in fingerprints(tmp_path).items() if others[path] != print_}
    assert changed == {f"units/{student[:2]}/{student}/record.json"}
    assert run(tmp_path).new == frozenset()


def test_what_was_built_on_a_result_that_came_out_as_before_stays(quiet: Path, tmp_path: Path) -> None:
    shutil.copytree(quiet, tmp_path, dirs_exist_ok=True)
    plan, _ = planned(small_sweep(tmp_path))
    source = unit_of(plan, "prompt_tuning", (), "review")  # alone in its stack
    break_prompt(tmp_path, source)
    before = fingerprints(tmp_path)
    assert run(tmp_path).new == {source}
    again, _ = planned(small_sweep(tmp_path))
    assert not again.outdated
    assert again.done == set(again.units)
    changed = {path for path, print_ in fingerprints(tmp_path).items() if before[path] != print_}
    assert changed == {f"units/{source[:2]}/{source}/record.json"}


def test_one_command_repairs_a_result_and_what_was_built_on_it(quiet: Path, tmp_path: Path) -> None:
    shutil.copytree(quiet, tmp_path, dirs_exist_ok=True)
    sweep = small_sweep(tmp_path)
    ended = run_sweep(sweep, InlineRunner())
    runs = ended.plan.units
    teacher, student = (unit_of(ended.plan, method, ("kinds",), "remark") for method in ("teacher", "panda"))
    break_prompt(tmp_path, teacher)
    ended = run_sweep(sweep, InlineRunner())
    assert ended.summary.complete
    assert ended.summary.new == {student}
    store = Store(str(tmp_path))
    assert store.done_keys() == set(runs)
    client = connect(ended.tracker.tracking_uri)
    logged = list(search(client, open_experiment(client, sweep.name, store), ""))
    for key in (teacher, student):
        (found,) = [run for run in logged if run.data.tags.get(KEY) == key]
        assert (found.info.start_time, found.info.end_time) == times_of(store.known(key))
        assert found.data.metrics["score"] == pytest.approx(store.known(key)["score"])


def test_what_was_put_in_the_place_of_a_result_is_not_read_and_the_result_is_computed_again(
    quiet: Path, tmp_path: Path
) -> None:
    shutil.copytree(quiet, tmp_path, dirs_exist_ok=True)
    places = [
        sorted(tmp_path.glob(f"units/*/*/{pattern}"))[-1] for pattern in ("prompt.*", "embedding.*", "record.json")
    ]
    for place in places:
        place.unlink()
    os.mkfifo(places[0])
    places[1].symlink_to("/dev/zero")
    places[2].mkdir()
    lost = {place.parent.name for place in places}
    intact = {path: stamp for path, stamp in fingerprints(quiet).items() if Path(path).parent.name not in lost}
    summary = run(tmp_path)
    assert summary.new == lost
    assert summary.complete
    assert intact.items() <= fingerprints(tmp_path).items()
    assert contents(tmp_path).keys() == contents(quiet).keys()


def test_a_full_disk_ends_the_run_with_a_sentence_and_the_run_continues_later(quiet: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path) as make_room:
        summary = run(tmp_path)
        assert summary.interrupted is not None
        assert summary.interrupted.startswith("no space left")
        assert 0 < len(summary.new) < len(contents(quiet))
        finished = fingerprints(tmp_path)
        make_room()
        assert run(tmp_path).complete
        assert contents(tmp_path) == contents(quiet)
        assert finished.items() <= fingerprints(tmp_path).items()


def test_a_file_that_the_disk_refuses_ends_the_run_with_a_sentence(quiet: Path, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        summary = run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert summary.interrupted is not None
    assert "no space left" in summary.interrupted
    assert run(tmp_path).complete
    assert contents(tmp_path) == contents(quiet)


def test_a_process_that_dies_between_two_members_does_not_change_the_others(quiet: Path, tmp_path: Path) -> None:
    class PowerCutError(Exception):
        pass

    class Plug(Listener):
        """Takes the place of a kill in the middle of publishing: the members after the first are not stored."""

        def on_stack_started(self, stack: Stack) -> None:
            if stack.members[0].method == "pot":
                monkeypatch.setattr(members, "publish", self.publish_one)

        def publish_one(self, *arguments: object) -> object:
            monkeypatch.undo()
            members.publish(*arguments)  # type: ignore[arg-type]
            raise PowerCutError

    with pytest.MonkeyPatch.context() as monkeypatch:
        plan, store = planned(small_sweep(tmp_path))
        with pytest.raises(PowerCutError):
            run_plan(plan, Costs.in_store(plan, store), store, InlineRunner(), [Plug()])
    again, _ = planned(small_sweep(tmp_path))
    (stack,) = [stack for stack in again.stacks if stack.members[0].method == "pot"]
    assert (len(stack.members), len(stack.todo)) == (2, 1)
    finished = fingerprints(tmp_path)
    assert run(tmp_path).complete
    assert contents(tmp_path) == contents(quiet)
    assert finished.items() <= fingerprints(tmp_path).items()


def test_extending_a_sweep_runs_only_what_is_new(quiet: Path, tmp_path: Path) -> None:
    shutil.copytree(quiet, tmp_path, dirs_exist_ok=True)
    before = fingerprints(quiet).keys()
    plan, store = planned(small_sweep(tmp_path, sources=["review", "kinds", "paraphrase"]))
    assert plan.done == contents(quiet).keys()
    summary = run_plan(plan, Costs.in_store(plan, store), store, InlineRunner())
    assert summary.complete
    assert {(plan.units[key].sources or (plan.units[key].task,))[0] for key in summary.new} == {"paraphrase"}
    assert before <= fingerprints(tmp_path).keys()


def test_a_unit_that_fails_blocks_only_its_dependents_and_is_tried_again(quiet: Path, tmp_path: Path) -> None:
    diverging: dict[str, dict[str, float]] = {task: {**SMALL} for task in ("review", "kinds", "remark")}
    diverging["kinds"]["lr"] = 1e30
    plan, store = planned(small_sweep(tmp_path, tasks=diverging))
    summary = run_plan(plan, Costs.in_store(plan, store), store, InlineRunner())
    assert [plan.units[key].title for key in summary.failed] == ["prompt_tuning kinds (seed 1)"]
    assert {(plan.units[key].sources or (plan.units[key].task,))[0] for key in summary.blocked} == {"kinds"}
    assert set(summary.blocked.values()) == set(summary.failed)
    assert not summary.complete
    (key,) = summary.failed
    failure = store.failures.read(key)
    assert failure is not None
    assert "NaN" in failure.error
    again, _ = planned(small_sweep(tmp_path, tasks=diverging))
    assert [unit.title for stack in again.stacks[:1] for unit in stack.todo] == ["prompt_tuning kinds (seed 1)"]
    assert again.done.isdisjoint(summary.blocked)
    ordinary = {key: value for key, value in contents(tmp_path).items() if key in contents(quiet)}
    assert ordinary


def test_out_of_device_memory_halves_the_stack_and_is_remembered(
    quiet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths: list[int] = []
    train_stack = members.train_stack

    def device_for_one(backbone: object, task: object, stack: list[object], *rest: object, **named: object) -> object:
        widths.append(len(stack))
        if len(stack) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train_stack(backbone, task, stack, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(members, "train_stack", device_for_one)
    assert run(tmp_path).complete
    assert widths.count(2) == 1, "later stacks on the same texts are narrower from the start"
    assert contents(tmp_path).keys() == contents(quiet).keys()
    extended, _ = planned(small_sweep(tmp_path, sources=["review", "kinds", "paraphrase", "duplicate"]))
    trainings = [stack for stack in extended.stacks if stack.members[0].task == "remark" and stack.members[0].config]
    assert {len(stack.members) for stack in trainings} == {1}
    assert [(limit.width, limit.failed) for limit in extended.limits.values()] == [(1, 2)]


def test_what_a_run_measured_is_what_the_next_plan_counts_with(quiet: Path) -> None:
    plan, store = planned(small_sweep(quiet, seeds=[2]))
    records = [record for _, record in store.records()]
    trained = [record for record in records if record["product"] == "prompt"]
    assert {record["train_examples"] for record in trained} == {24}
    assert {record["dev_examples"] for record in trained} == {12}
    layers, width, prompt_len = 3, 128, 4
    assert {record["trained_parameters"] for record in trained} == {prompt_len * layers * 2 * width}
    assert all(3 < record["tokens_per_example"] <= 128 for record in trained)
    assert all(0 < record["training_seconds"] <= record["seconds"] for record in trained)
    assert all(record["peak_memory_bytes"] > 50e6 for record in records)
    assert all(record["hosts"] == [this_host()] for record in records)
    costs = Costs.of(plan, records)
    estimates = [costs.seconds(stack) for stack in plan.stacks]
    assert {estimate.basis for estimate in estimates} == {"measured"}
    took, expected = sum(record["seconds"] for record in records), sum(estimate.seconds for estimate in estimates)
    assert 0.2 < expected / took < 5, "the same units with another seed"
