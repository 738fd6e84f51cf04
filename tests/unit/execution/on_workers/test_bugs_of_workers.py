"""A bug in a worker ends the run with its own traceback, whether the worker is alone or one of a group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.train.v2._internal.exceptions import UserExceptionWithTraceback
from ray.train.v2._internal.execution.worker_group.poll import WorkerGroupPollStatus, WorkerStatus
from ray.train.v2._internal.util import construct_user_exception_with_traceback

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_group.losses import cause
from panda_ray.execution.runners.ray_group.one_group import Group
from panda_ray.execution.runners.ray_trials import run_trial as trials
from panda_ray.execution.runners.ray_trials.messenger import Messenger
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.store.memory_limits import Limit
from panda_ray.execution.work.members import train_members
from panda_ray.execution.work.workspace import Settings, Workspace
from panda_ray.training.engine.collective import LostPeerError
from support.sweeps.small_sweeps import planned, small_sweep


@contextmanager
def never_halting(*_: Any) -> Iterator[Any]:
    """Stands for the watch for a reason to stop, which asks Ray."""
    yield SimpleNamespace(wanted=lambda: False)


def train_as_a_group(stack: Stack, _: Limit | None, group: Group) -> list[Outcome]:
    """One worker does what each does, the other misses it; what Train makes of that, in Train's own words."""
    try:
        return train_members(stack, group.store, Workspace(group.settings), lambda _: None)
    except KeyError as bug:
        failed = construct_user_exception_with_traceback(bug)
    missed = UserExceptionWithTraceback(LostPeerError("closed"), traceback_str="LostPeerError: closed")
    statuses = {0: WorkerStatus(running=False, error=missed), 1: WorkerStatus(running=False, error=failed)}
    raise cause(WorkerGroupPollStatus(statuses).get_worker_group_error())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bug_in_a_worker_shows_its_own_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    plan, store = planned(small_sweep(tmp_path, sources=["remark"], methods=["prompt_tuning"], metrics=[]))
    trial = SimpleNamespace(trial_id="one", config={"stack": replace(plan.stacks[0], workers=workers), "waits": False})
    messenger, said = Messenger(Dispatch(plan, lambda *_: 1.0), store), list[dict[str, Any]]()
    monkeypatch.setattr(trials, "Halting", never_halting)
    monkeypatch.setattr(trials, "SignsOfLife", never_halting)
    monkeypatch.setattr(trials, "train_on_workers", train_as_a_group)
    monkeypatch.setattr(trials.tune, "report", said.append)
    without_backbone = replace(Settings.of(plan.sweep), backbone_paths=())
    trials.run_trial(trial.config, store.url, store.leases.driver, without_backbone, plan.sweep.resources)
    (result,) = said
    title = "x1 on 2 workers" if workers == 2 else "x1"
    where = r'File ".*workspace\.py", line \d+, in _load_backbone'
    with pytest.raises(RuntimeError, match=rf"(?s){title} failed in its worker.*{where}.*KeyError: 'builtin-tiny'"):
        messenger.on_trial_result(0, [], trial, result)
