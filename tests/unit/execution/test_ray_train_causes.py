"""What a group of workers failed of: the error that one of them had, or a death that a new group helps against."""

from __future__ import annotations

import pickle

import pytest
import torch
from ray.exceptions import RayActorError
from ray.train import WorkerGroupError

from panda_ray.errors import InputError
from panda_ray.execution.runners.ray_train import WorkersLostError, cause
from panda_ray.execution.store.files import StoreFullError
from panda_ray.training.engine.collective import LostPeerError


@pytest.mark.parametrize("error", [InputError, StoreFullError, torch.OutOfMemoryError])
def test_the_error_of_one_worker_is_the_cause(error: type[Exception]) -> None:
    travelled = pickle.loads(pickle.dumps(error("no room")))
    found = cause(WorkerGroupError("", {0: LostPeerError("closed"), 1: travelled}))
    assert found is travelled
    assert type(found) is error


def test_dead_workers_and_those_that_miss_them_are_a_lost_group() -> None:
    group = WorkerGroupError("rank 1 died", {0: LostPeerError("closed"), 1: RayActorError()})
    assert isinstance(cause(group), WorkersLostError)


def test_any_other_error_is_a_bug_and_keeps_the_tracebacks_of_the_group() -> None:
    group = WorkerGroupError("tracebacks", {0: LostPeerError("closed"), 1: KeyError("bug")})
    assert cause(group) is group
