"""What a group of workers failed of: the error that one of them had, or a loss that a new group helps against."""

from __future__ import annotations

import pickle
import traceback

import pytest
import torch
from ray.exceptions import RayActorError
from ray.train import ControllerError, TrainingFailedError, WorkerGroupError
from ray.train.v2._internal.exceptions import (
    WorkerGroupStartupFailedError,
    WorkerGroupStartupTimeoutError,
    WorkerHealthCheckTimeoutError,
)

from panda_ray.errors import InputError
from panda_ray.execution.runners.ray_group import losses
from panda_ray.execution.runners.ray_group.losses import NoRoomError, Place, UnreachableError, WorkersLostError, cause
from panda_ray.execution.store.files.files import StoreFullError
from panda_ray.training.engine.collective import LostPeerError
from panda_ray.training.engine.halting import HaltedError

DIED = "The actor died unexpectedly.\n\tclass_name: RayTrainWorker\n\tip: 10.0.0.7\nits node died"


@pytest.fixture(autouse=True)
def nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Ray would say of its nodes."""
    known = [{"NodeManagerAddress": "10.0.0.7", "NodeManagerHostname": "worker-7"}]
    monkeypatch.setattr(losses.ray, "nodes", lambda: known)


@pytest.mark.parametrize("error", [InputError, StoreFullError, torch.OutOfMemoryError])
def test_the_error_of_one_worker_is_the_cause(error: type[Exception]) -> None:
    travelled = pickle.loads(pickle.dumps(error("no room")))
    found = cause(WorkerGroupError("", {0: LostPeerError("closed"), 1: travelled}))
    assert found is travelled
    assert type(found) is error


MISSED = LostPeerError("closed")
GONE = RayActorError(error_msg=DIED)
SILENT = WorkerHealthCheckTimeoutError("hanging for 180 seconds")
PLACES = [Place("one", "node-1", "worker-1"), Place("two", "node-2", "worker-2")]


@pytest.mark.parametrize(
    ("failures", "reason", "workers"),
    [
        ({0: MISSED, 1: GONE}, "a worker on two died", {"worker-2"}),
        ({0: MISSED}, "a worker on two died", {"worker-2"}),
        ({1: GONE}, "a worker on two died", {"worker-2"}),
        ({1: SILENT}, "a worker on two does not answer", {"worker-2"}),
        ({0: MISSED, 1: SILENT}, "a worker on two does not answer", {"worker-2"}),
        ({1: MISSED}, "a worker on one died", {"worker-1"}),
        ({0: GONE, 1: GONE}, "a worker on one and two died", {"worker-1", "worker-2"}),
        ({0: MISSED, 1: MISSED}, "workers lost each other on one and two", {"worker-1", "worker-2"}),
    ],
)
def test_dead_workers_and_those_that_miss_them_are_a_lost_group_with_the_hosts_of_the_dead(
    failures: dict[int, Exception], reason: str, workers: set[str]
) -> None:
    found = cause(WorkerGroupError("", failures), PLACES)
    assert isinstance(found, WorkersLostError)
    assert str(found) == reason
    assert found.workers == workers


def test_a_group_that_was_asked_to_stop_names_the_host_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "draining", lambda: {"node-2", "node-3"})
    found = cause(WorkerGroupError("", {0: HaltedError(), 1: MISSED}), PLACES)
    assert isinstance(found, HaltedError)
    assert str(found) == "a node of its workers on two is going away"


def test_without_hosts_the_loss_of_a_group_names_none() -> None:
    assert str(cause(WorkerGroupError("", {0: MISSED, 1: GONE}))) == "a worker died"


def test_a_host_that_ray_does_not_know_is_named_by_its_address_and_none_by_nothing() -> None:
    elsewhere = RayActorError(error_msg=DIED.replace("10.0.0.7", "10.0.0.8"))
    assert str(cause(elsewhere)) == "the process that leads its workers on 10.0.0.8 died"
    assert str(cause(RayActorError())) == "the process that leads its workers died"


def test_the_death_of_the_process_that_leads_a_group_is_a_loss() -> None:
    found = cause(RayActorError(error_msg=DIED))
    assert isinstance(found, WorkersLostError)
    assert str(found) == "the process that leads its workers on worker-7 died"


def test_any_other_error_is_a_bug_and_keeps_the_tracebacks_of_the_group() -> None:
    group = WorkerGroupError("tracebacks", {0: LostPeerError("closed"), 1: KeyError("bug")})
    assert cause(group) is group


def test_a_bug_shows_what_its_workers_have_noted_of_it_once_and_not_what_those_did_that_missed_them() -> None:
    missed, bugs = LostPeerError("closed"), [KeyError("bug"), KeyError("bug")]
    for error, note in ((missed, "where it missed them"), (bugs[0], "where it is"), (bugs[1], "where it is")):
        error.add_note(note)
    travelled = pickle.loads(pickle.dumps({0: missed, 1: bugs[0], 2: bugs[1]}))
    shown = "".join(traceback.format_exception(cause(WorkerGroupError("cut", travelled))))
    assert shown.count("where it is") == 1
    assert "where it missed them" not in shown


def startup_failure() -> WorkerGroupStartupFailedError:
    try:
        raise WorkerGroupStartupFailedError("at least one died") from RayActorError(error_msg=DIED)
    except WorkerGroupStartupFailedError as error:
        return error


@pytest.mark.parametrize(
    ("failure", "kind", "text"),
    [
        (WorkerGroupStartupTimeoutError(2), NoRoomError, "there is no room for all of its workers"),
        (startup_failure(), WorkersLostError, "a worker on worker-7 died while it started"),
        (RayActorError(error_msg=DIED), WorkersLostError, "a worker on worker-7 died while it started"),
        (UnreachableError("timed out"), UnreachableError, "timed out"),
    ],
)
def test_a_group_that_did_not_start_says_why(failure: Exception, kind: type[Exception], text: str) -> None:
    found = cause(ControllerError(failure))
    assert type(found) is kind
    assert str(found) == text


@pytest.mark.parametrize("error", [ControllerError(KeyError("bug")), TrainingFailedError("?")])
def test_what_is_not_known_of_the_start_of_a_group_is_a_bug(error: TrainingFailedError) -> None:
    assert cause(error) is error
