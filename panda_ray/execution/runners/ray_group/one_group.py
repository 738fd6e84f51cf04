"""One group of workers from its start to its end: a run of Ray Train, and what each of its workers does.

Train starts the workers and connects them; it neither keeps checkpoints nor starts a group again.
"""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from ray import train, tune
from ray.exceptions import RayActorError
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_cluster import environment
from panda_ray.execution.runners.ray_decisions import Decisions
from panda_ray.execution.runners.ray_group.connect import HostsConfig, forget, places_of
from panda_ray.execution.runners.ray_group.losses import UnreachableError, WorkersLostError, cause
from panda_ray.execution.runners.ray_group.reports import FIELD, Reporting, Reports
from panda_ray.execution.runners.ray_group.start_limit import StartLimit, forget_lateness, was_late
from panda_ray.execution.runners.ray_group.trainer import GroupTrainer
from panda_ray.execution.runners.ray_leaving.nodes import this_node
from panda_ray.execution.runners.ray_leaving.reasons import Halting
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.store.memory_limits import Limit
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.members import train_members
from panda_ray.execution.work.memory import noted
from panda_ray.execution.work.workspace import Settings, Workspace
from panda_ray.sweep import ResourceSection
from panda_ray.training.engine.collective import ProcessGroup
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.engine.halting import HaltedError

_START_SECONDS = 60
"""How long a group waits for its slots: Ray notices within 20 seconds that a host is dead, and counts it until then."""

_CONNECTED_SECONDS = 300.0
"""From when a group asks for its slots until its workers are connected: each imports PyTorch, on busy hosts slowly."""

_SILENT_SECONDS = 180
"""How long a worker's process may answer nothing, though Ray takes it for alive."""

_LOOK_SECONDS = 0.1
"""Between two looks for a report of a group."""

_ENVIRONMENT = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",  # each epoch's report waits for the next check
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(_START_SECONDS),
    "RAY_TRAIN_WORKER_HEALTH_CHECK_TIMEOUT_S": str(_SILENT_SECONDS),
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


def train_group(stack: Stack, limit: Limit | None, group: Group) -> list[Outcome]:
    """Train a stack once on `stack.workers` workers.

    Raises:
        NoRoomError: there are not as many slots.
        UnreachableError: the workers did not start, or did not connect.
        WorkersLostError, HaltedError: others may go on.
        InputError, StoreFullError, torch.OutOfMemoryError, TrainingFailedError: as `train_on_workers` has them.
    """
    resources, name = group.resources, uuid.uuid4().hex
    # NCCL knows no two workers on one GPU; gloo takes the way over the host.
    backend = "nccl" if resources.gpus_per_stack >= 1 else "gloo"
    per_worker = {"CPU": resources.cpus_per_stack, "GPU": resources.gpus_per_stack}
    with temporary_folder() as folder, environment(_ENVIRONMENT):
        torch_trainer: Any = GroupTrainer  # the types of both are those of Train v1
        failure_config: Any = FailureConfig
        callbacks: Any = [Reporting(name), StartLimit(name, _CONNECTED_SECONDS)]
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
                callbacks=callbacks,
                failure_config=failure_config(max_failures=0, controller_failure_limit=0, max_preemption_failures=0),
            ),
        )
        try:
            outcomes: list[Outcome] = _reported(trainer, name)
        except (TrainingFailedError, RayActorError) as error:
            if was_late(name):
                raise _late(stack.workers) from error
            raise cause(error, places_of(name)) from error
        finally:
            forget(name)
            forget_lateness(name)
    return outcomes


def _reported(trainer: Any, group: str) -> Any:
    """What a group returns; on the way, its reports go to Tune from this thread, which is the trial's own."""
    reports = Reports(group)
    with ThreadPoolExecutor(1) as pool:
        fitting = pool.submit(trainer.fit)
        has_ended = False
        while not has_ended:
            has_ended = bool(wait([fitting], _LOOK_SECONDS).done)
            for report in reports.new():
                tune.report({FIELD: report})
        return fitting.result().return_value


def _late(workers: int) -> Exception:
    waited = f"within {_CONNECTED_SECONDS:.0f} s"
    if workers == 1:  # with which nobody has to connect
        return WorkersLostError(f"its worker was not up {waited}")
    return UnreachableError(f"its workers were not up and connected {waited}")


def _work(config: dict[str, _Job]) -> list[Outcome]:
    """One worker of a group; Train returns what rank 0 does."""
    job = config["job"]
    workspace, store = Workspace(job.settings), Store(job.store_url)
    group = ProcessGroup()

    def on_epoch(report: EpochReport) -> Collection[str]:
        train.report({FIELD: report})
        return job.decisions.wait(report.epoch) if job.decisions is not None and group.rank == 0 else ()

    halting = Halting(job.driver, job.asked_as, {job.waits_on})
    with halting, workspace.threads(), noted(job.stack, store.limits.on(job.settings.placement), job.limit):
        try:
            return train_members(job.stack, store, workspace, on_epoch, halting.wanted, group)
        except HaltedError:
            group.gather(None)  # Train ends all as soon as it sees one end, and rank 0 may be saving
            raise
        except Exception as error:
            error.add_note(traceback.format_exc())  # Train keeps both ends of a traceback alone
            raise
