"""Training one stack on several workers: a Ray Train group inside of the Tune trial that the stack is.

The trial only waits for its group. Train starts the workers and connects them; it neither keeps checkpoints nor starts
a group again, because it cannot tell a lost worker from a stack that is too wide or a bug. The store keeps the
checkpoint, and Tune starts the trial again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from ray import train
from ray.exceptions import RayActorError
from ray.train import RunConfig, ScalingConfig, WorkerGroupError
from ray.train.torch import TorchConfig, TorchTrainer
from ray.tune import PlacementGroupFactory
from ray.tune.integration.ray_train import TuneReportCallback

from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_cluster import environment
from panda_ray.execution.runners.ray_decisions import Decisions
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.store.memory_limits import Limit
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.members import train_members
from panda_ray.execution.work.memory import noted
from panda_ray.execution.work.workspace import Settings, Workspace
from panda_ray.sweep import ResourceSection
from panda_ray.training.engine.collective import LostPeerError, ProcessGroup
from panda_ray.training.engine.stacked import EpochReport

WAITING = PlacementGroupFactory([{"memory": 1}])
"""What a trial takes that only waits: one byte, because Ray wants something, and no part of a CPU, because two workers
of one CPU each must fit on a machine that has two."""

_ENVIRONMENT = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",  # each epoch's report waits for the next check
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}


class WorkersLostError(Exception):
    """Workers of a group died without an error of their own; a new group continues from the stack's checkpoint."""


@dataclass(frozen=True)
class _Job:
    """What every worker of a group is told."""

    stack: Stack
    store_url: str
    settings: Settings
    limit: Limit | None
    decisions: Decisions | None


def train_on_workers(
    stack: Stack,
    limit: Limit | None,
    store: Store,
    settings: Settings,
    resources: ResourceSection,
    decisions: Decisions | None,
) -> list[Outcome]:
    """Train a stack on `stack.workers` workers, each with the resources of an ordinary stack; for `work.settle`.

    Called in a Tune trial, whose results the reports of the epochs become.

    Args:
        limit: what is known of the memory of such stacks.
        decisions: where to hear after each epoch who stops; None where nobody may be stopped.

    Raises:
        WorkersLostError: start again.
        InputError, StoreFullError, torch.OutOfMemoryError: as they were raised in a worker.
        WorkerGroupError: any other error of a worker, with its traceback.
    """
    # NCCL knows no two workers on one GPU; gloo takes the way over the host.
    backend = "nccl" if resources.gpus_per_stack >= 1 else "gloo"
    per_worker = {"CPU": resources.cpus_per_stack, "GPU": resources.gpus_per_stack}
    with temporary_folder() as folder, environment(_ENVIRONMENT):
        torch_trainer: Any = TorchTrainer  # the types of both are those of Train v1
        report_callback: Any = TuneReportCallback
        trainer = torch_trainer(
            _work,
            train_loop_config={"job": _Job(stack, store.url, settings, limit, decisions)},
            torch_config=TorchConfig(backend=backend),
            scaling_config=ScalingConfig(
                num_workers=stack.workers,
                use_gpu=resources.gpus_per_stack > 0,
                resources_per_worker=per_worker,
            ),
            run_config=RunConfig(name="run", storage_path=str(folder), callbacks=[report_callback()]),
        )
        try:
            outcomes: list[Outcome] = trainer.fit().return_value
        except WorkerGroupError as error:
            raise cause(error) from error
        except RayActorError as error:  # the process that leads the group
            raise WorkersLostError(str(error)) from error
    return outcomes


def cause(error: WorkerGroupError) -> Exception:
    """What a group failed of: one worker's error is the reason why others lost it, or were stopped."""
    failures = list(error.worker_failures.values())
    for failure in failures:
        if isinstance(failure, (InputError, torch.OutOfMemoryError)):
            return failure
    if all(isinstance(failure, LostPeerError) or _is_rays(failure) for failure in failures):
        return WorkersLostError(str(error))
    return error


def _is_rays(failure: Exception) -> bool:
    """Ray's own errors say that a worker cannot be reached."""
    return type(failure).__module__.startswith("ray.")


def _work(config: dict[str, _Job]) -> list[Outcome]:
    """One worker of a group; Train returns what rank 0 does."""
    job = config["job"]
    workspace, store = Workspace(job.settings), Store(job.store_url)
    group = ProcessGroup()

    def on_epoch(report: EpochReport) -> Collection[str]:
        train.report({"report": report})
        return job.decisions.wait(report.epoch) if job.decisions is not None and group.rank == 0 else ()

    with workspace.threads(), noted(job.stack, store.limits, job.limit):
        return train_members(job.stack, store, workspace, on_epoch, group)
