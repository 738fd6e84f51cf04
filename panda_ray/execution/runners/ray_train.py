"""Training one stack on several workers: a Ray Train group inside of the Tune trial that the stack is.

The trial only waits for its groups. Train starts the workers of one and connects them; it neither keeps checkpoints nor
starts a group again, because it cannot tell a lost worker from a stack that is too wide or a bug, and would wait for
ever for a host that is gone. A group that lost workers is followed by one of as many as there is room for, which
continues from the checkpoint in the store: a checkpoint does not know how many saved it. So is one of whose workers a
node is going away.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from ray import train
from ray.exceptions import RayActorError
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
from ray.tune import PlacementGroupFactory
from ray.tune.integration.ray_train import TuneReportCallback

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_cluster import environment
from panda_ray.execution.runners.ray_decisions import Decisions
from panda_ray.execution.runners.ray_group.connect import HostsConfig, forget, places_of
from panda_ray.execution.runners.ray_group.losses import NoRoomError, UnreachableError, WorkersLostError, cause
from panda_ray.execution.runners.ray_group.trainer import GroupTrainer
from panda_ray.execution.runners.ray_leaving.lost_workers import Loss, Losses
from panda_ray.execution.runners.ray_leaving.nodes import this_node
from panda_ray.execution.runners.ray_leaving.reasons import Halting
from panda_ray.execution.runners.ray_supply.slot import slot_of
from panda_ray.execution.runners.ray_supply.slots import free_slots
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.store.memory_limits import Limit
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.members import train_members
from panda_ray.execution.work.memory import noted
from panda_ray.execution.work.workspace import Settings, Workspace
from panda_ray.sweep import ResourceSection
from panda_ray.training.engine.collective import ProcessGroup
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.engine.halting import HaltedError, end_if_asked

WAITING = PlacementGroupFactory([{"memory": 1}])
"""What a trial takes that only waits: one byte, because Ray wants something, and no part of a CPU, because two workers
of one CPU each must fit on a machine that has two."""

_MAX_UNREACHABLE = 2
"""Groups whose workers did not find each other; the next one is a worker alone, which has nobody to find."""

_ROOM_SECONDS = 10.0
"""How long the slots of a group may take to be free again once it has ended."""

_START_SECONDS = 60
"""How long a group waits for its slots: Ray notices within 20 seconds that a host is dead, and counts it until then."""

_ENVIRONMENT = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",  # each epoch's report waits for the next check
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(_START_SECONDS),
    # An actor per group that sees draining nodes, too, and replaces the error of a worker that has left one.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}


@dataclass(frozen=True)
class LostGroup:
    """A group that ended before its time.

    Attributes:
        reason: one sentence, with hosts where they are known.
        preempted: its nodes are going away or gone.
        workers: how many the next group has.
    """

    reason: str
    preempted: bool
    workers: int


@dataclass(frozen=True)
class Group:
    """What every group of a run has in common.

    Attributes:
        stack: the id of what the trial runs, of which a group may train a part.
        decisions: where to hear after each epoch who stops; None where nobody may be stopped.
        on_lost: hears of each group that was lost.
        halting: why the trial itself should stop.
    """

    stack: str
    store: Store
    settings: Settings
    resources: ResourceSection
    decisions: Decisions | None
    on_lost: Callable[[LostGroup], None]
    halting: Halting


@dataclass(frozen=True)
class _Job:
    """What every worker of a group is told."""

    stack: Stack
    store_url: str
    settings: Settings
    limit: Limit | None
    decisions: Decisions | None
    driver: str
    asked_as: str
    """The id of the stack that its driver may ask to stop."""
    waits_on: str
    """The node of the trial, without which the group ends."""


def train_on_workers(stack: Stack, limit: Limit | None, group: Group) -> list[Outcome]:
    """Train a stack on `stack.workers` workers, each with the resources of an ordinary stack; for `work.settle`.

    Called in a Tune trial, whose results the reports of the epochs become. Where workers are lost, it goes on with
    those that there is room for, one at the least.

    Args:
        limit: what is known of the memory of such stacks.

    Raises:
        WorkersLostError: again and again.
        HaltedError: the trial itself was asked to stop; its workers have saved.
        InputError, StoreFullError, torch.OutOfMemoryError: as they were raised in a worker.
        TrainingFailedError: any other error of a worker, with its traceback.
    """
    losses, unreachable = Losses(), 0
    wanted = workers = stack.workers
    while True:
        end_if_asked(group.halting.wanted)
        preempted = False
        try:
            return _train(replace(stack, workers=workers), limit if workers == stack.workers else None, group)
        except NoRoomError as error:
            reason = str(error)
        except UnreachableError as error:
            if workers == 1:  # what cannot be reached then is nobody
                raise
            reason = str(error)
            unreachable += 1
            wanted = 1 if unreachable >= _MAX_UNREACHABLE else wanted
        except HaltedError as error:
            if group.halting.look() is not None:
                raise
            reason, preempted = str(error), True
        except WorkersLostError as error:
            loss = Loss(error.workers)
            reason, preempted = str(error), _judged(loss, group.halting)
            losses.add(loss)
            if losses.left < 0:
                raise
        workers = _room(wanted, group.resources)
        group.on_lost(LostGroup(reason, preempted, workers))


def _judged(loss: Loss, halting: Halting) -> bool:
    """Whether a node took a group's workers along, as soon as Ray knows.

    Raises:
        HaltedError: the trial was asked to stop meanwhile.
    """
    while (preempted := loss.is_preemption()) is None:
        end_if_asked(halting.wanted)
        time.sleep(1)
    return preempted


def _room(wanted: int, resources: ResourceSection) -> int:
    """For how many workers there is room now, one at the least: Ray waits for that one."""
    deadline = time.monotonic() + _ROOM_SECONDS
    while (free := free_slots(slot_of(resources))) < wanted:
        if time.monotonic() > deadline:
            return max(1, free)
        time.sleep(1)
    return wanted


def _train(stack: Stack, limit: Limit | None, group: Group) -> list[Outcome]:
    """One group, from its start to its end."""
    resources, name = group.resources, uuid.uuid4().hex
    # NCCL knows no two workers on one GPU; gloo takes the way over the host.
    backend = "nccl" if resources.gpus_per_stack >= 1 else "gloo"
    per_worker = {"CPU": resources.cpus_per_stack, "GPU": resources.gpus_per_stack}
    with temporary_folder() as folder, environment(_ENVIRONMENT):
        torch_trainer: Any = GroupTrainer  # the types of both are those of Train v1
        report_callback: Any = TuneReportCallback
        failure_config: Any = FailureConfig
        trainer = torch_trainer(
            _work,
            train_loop_config={
                "job": _Job(
                    stack,
                    group.store.url,
                    group.settings,
                    limit,
                    group.decisions,
                    group.store.leases.driver,
                    group.stack,
                    this_node(),
                )
            },
            torch_config=HostsConfig(backend=backend, group=name),
            scaling_config=ScalingConfig(
                num_workers=stack.workers,
                use_gpu=resources.gpus_per_stack > 0,
                resources_per_worker=per_worker,
            ),
            run_config=RunConfig(
                name="run",
                storage_path=str(folder),
                callbacks=[report_callback()],
                failure_config=failure_config(max_failures=0, controller_failure_limit=0, max_preemption_failures=0),
            ),
        )
        try:
            outcomes: list[Outcome] = trainer.fit().return_value
        except (TrainingFailedError, RayActorError) as error:
            raise cause(error, places_of(name)) from error
        finally:
            forget(name)
    return outcomes


def _work(config: dict[str, _Job]) -> list[Outcome]:
    """One worker of a group; Train returns what rank 0 does."""
    job = config["job"]
    workspace, store = Workspace(job.settings), Store(job.store_url)
    group = ProcessGroup()

    def on_epoch(report: EpochReport) -> Collection[str]:
        train.report({"report": report})
        return job.decisions.wait(report.epoch) if job.decisions is not None and group.rank == 0 else ()

    halting = Halting(job.driver, job.asked_as, {job.waits_on})
    with halting, workspace.threads(), noted(job.stack, store.limits.on(job.settings.placement), job.limit):
        try:
            return train_members(job.stack, store, workspace, on_epoch, halting.wanted, group)
        except HaltedError:
            group.gather(None)  # Train ends all as soon as it sees one end, and rank 0 may be saving
            raise
