"""Two workers on one stack give the result of one: real processes that talk over gloo."""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from panda_ray.errors import InputError
from panda_ray.training.engine import collective as collectives
from panda_ray.training.engine.collective import SOLO, Collective, LostPeerError, ProcessGroup
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.engine.halting import HaltedError
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import MemberResult
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_task
from support.trained.trainings import CONFIG, Slot, assert_same, members_of, with_nan

WORKERS = 2
ONE_EPOCH = replace(CONFIG, epochs=1)  # rounding must not decide which epoch is the best
DROPOUT = replace(CONFIG, dropout=0.1)


def whole(kind: str, collective: Collective) -> list[MemberResult]:
    """Thirteen examples in batches of four: shares of unequal size, and a last step with nothing for one worker."""
    return train_stack(random_backbone(), toy_task(kind), members_of(kind, 4), ONE_EPOCH, collective=collective)


def diverging(collective: Collective) -> list[MemberResult]:
    """The second of three members has a NaN in it."""
    members = members_of("classification", 3)
    members[1] = with_nan(members[1])
    return train_stack(random_backbone(), toy_task("classification"), members, ONE_EPOCH, collective=collective)


def interrupted(collective: Collective) -> tuple[list[MemberResult], list[list[MemberResult]], list[bytes]]:
    """A training with dropout, the same training resumed from three of its states, and all states that it saved."""

    def train(slot: Slot, **options: Any) -> list[MemberResult]:
        task, members = toy_task("classification"), members_of("classification", 4)
        return train_stack(random_backbone(), task, members, DROPOUT, checkpoint=slot, collective=collective, **options)

    slot = Slot()
    expected = train(slot, checkpoint_seconds=0)
    # Rank 0 alone reads, so what the others have in their slot does not matter.
    states = slot.saved if collective.rank == 0 else [b"not a state"] * 12
    return expected, [train(Slot(states[at])) for at in (0, 5, -1)], slot.saved


def halted(collective: Collective) -> tuple[list[MemberResult], list[bytes], list[MemberResult]]:
    """A training of twelve steps that the second worker alone is asked to stop at its sixth, and how it goes on."""
    task, members, slot = toy_task("classification"), members_of("classification", 4), Slot()
    stop(slot, [False] * 5 + [collective.rank == 1] * 50, collective)
    state = collective.share(lambda: slot.saved[-1])
    going_on = train_stack(random_backbone(), task, members, CONFIG, checkpoint=Slot(state), collective=collective)
    return going_on, slot.saved, train_stack(random_backbone(), task, members, CONFIG, collective=collective)


def stop(slot: Slot, asked: Sequence[bool], collective: Collective) -> None:
    """Train until it is asked to stop, which it is or is not after each step."""
    task, members, answers = toy_task("classification"), members_of("classification", 4), iter(asked)
    with pytest.raises(HaltedError):
        train_stack(
            random_backbone(),
            task,
            members,
            CONFIG,
            checkpoint=slot,
            checkpoint_seconds=1e9,
            halt=lambda: next(answers),
            collective=collective,
        )


def begun_alone(collective: Collective) -> list[MemberResult]:
    """What one worker began, and was asked to stop at its fifth step of twelve, on both of them."""
    task, members, slot = toy_task("classification"), members_of("classification", 4), Slot()
    if collective.rank == 0:
        stop(slot, [False] * 4 + [True], SOLO)
    state = collective.share(lambda: slot.saved[-1])
    return train_stack(random_backbone(), task, members, CONFIG, checkpoint=Slot(state), collective=collective)


def stopping(collective: Collective) -> list[MemberResult]:
    """Rank 0 stops the second of three members after the first epoch; the other worker would stop them all."""

    def on_epoch(report: EpochReport) -> list[str]:
        return ["member 1"] if collective.rank == 0 and report.epoch == 1 else [*report.scores] * collective.rank

    task, members, config = toy_task("classification"), members_of("classification", 3), replace(CONFIG, epochs=2)
    return train_stack(random_backbone(), task, members, config, on_epoch=on_epoch, collective=collective)


def too_many(collective: Collective) -> str:
    """What a worker says to a data set of one example."""
    task = toy_task("classification", train=1)
    with pytest.raises(InputError, match="max_workers") as refused:
        train_stack(random_backbone(), task, members_of("classification", 1), CONFIG, collective=collective)
    return str(refused.value)


def left_alone(collective: Collective) -> str:
    """What rank 0 hears when the other worker ends in the middle."""
    if collective.rank:
        dist.destroy_process_group()
        return ""
    with pytest.raises(LostPeerError) as lost:
        collective.sum(torch.ones(3))
    return str(lost.value)


CASES: dict[str, Callable[[Collective], Any]] = {
    **{kind: lambda collective, kind=kind: whole(kind, collective) for kind in KINDS},
    "diverging": diverging,
    "interrupted": interrupted,
    "halted": halted,
    "begun_alone": begun_alone,
    "stopping": stopping,
    "too_many": too_many,
    "left_alone": left_alone,  # the last one: it ends the group
}


def _meet(rank: int, folder: str, name: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/{name}", rank=rank, world_size=WORKERS)


def _worker(rank: int, folder: str) -> None:
    _meet(rank, folder, "meeting")
    said = {name: case(ProcessGroup()) for name, case in CASES.items()}
    if rank == 0:
        dist.destroy_process_group()
    _meet(rank, folder, "second meeting")
    said["silent"] = _with_a_silent_peer(rank, Path(folder, "over"))
    Path(folder, str(rank)).write_bytes(pickle.dumps(said))


def _with_a_silent_peer(rank: int, over: Path) -> type[Exception] | None:
    """What rank 0 gets that has met the other one, which says nothing from then on and stays."""
    collectives.SILENT_SECONDS = 0.5
    group = ProcessGroup()
    assert group.gather(rank) == [0, 1]
    if rank:
        while not over.exists():
            time.sleep(0.05)
        return None
    try:
        group.sum(torch.ones(1))
    except LostPeerError as error:
        return type(error)
    finally:
        over.touch()
    return None


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each worker got in each case."""
    folder = tmp_path_factory.mktemp("workers")
    multiprocessing.spawn(_worker, args=(str(folder),), nprocs=WORKERS)
    return [pickle.loads((folder / str(rank)).read_bytes()) for rank in range(WORKERS)]


@pytest.mark.parametrize("kind", KINDS)
def test_two_workers_give_the_result_of_one(said: list[dict[str, Any]], kind: str) -> None:
    assert_same(said[0][kind], whole(kind, SOLO), exact=False)


@pytest.mark.parametrize("kind", KINDS)
def test_all_workers_hold_the_same_bits(said: list[dict[str, Any]], kind: str) -> None:
    assert_same(said[0][kind], said[1][kind], exact=True)


def test_a_worker_that_is_asked_to_stop_takes_the_other_along_after_the_same_step(said: list[dict[str, Any]]) -> None:
    going_on, saved, undisturbed = said[0]["halted"]
    assert [torch.load(io.BytesIO(state), weights_only=True)["step"] for state in saved] == [6]
    assert_same(going_on, undisturbed, exact=True)
    assert said[1]["halted"][1] == [], "rank 0 alone writes"


def test_dropout_leaves_the_workers_equal(said: list[dict[str, Any]]) -> None:
    assert_same(said[0]["interrupted"][0], said[1]["interrupted"][0], exact=True)


def test_a_resumed_group_equals_an_uninterrupted_one_bit_for_bit(said: list[dict[str, Any]]) -> None:
    for worker in said:
        expected, resumed, _ = worker["interrupted"]
        for results in resumed:
            assert_same(results, expected, exact=True)


def test_only_rank_0_saves(said: list[dict[str, Any]]) -> None:
    assert [len(worker["interrupted"][2]) for worker in said] == [12, 0]  # three steps and the end of each epoch


def test_one_worker_continues_what_two_began(said: list[dict[str, Any]]) -> None:
    task, members = toy_task("classification"), members_of("classification", 4)
    expected, _, states = said[0]["interrupted"]
    reports: list[EpochReport] = []
    slot = Slot(states[8])
    results = train_stack(random_backbone(), task, members, DROPOUT, checkpoint=slot, on_epoch=reports.append)
    assert [report.epoch for report in reports] == [3]
    for ours, theirs in zip(results, expected, strict=True):
        assert ours.history[:2] == theirs.history[:2]


def test_two_workers_continue_what_one_began_and_results_say_so(said: list[dict[str, Any]]) -> None:
    alone = train_stack(random_backbone(), toy_task("classification"), members_of("classification", 4), CONFIG)
    for worker in said:
        assert_same(worker["begun_alone"], alone, exact=False)
        assert {result.workers for result in worker["begun_alone"]} == {(1, 2)}
        assert {result.workers for result in worker["halted"][0]} == {(2,)}, "the same number went on"
    assert {result.workers for result in alone} == {(1,)}


def test_a_member_that_diverges_is_dropped_by_every_worker(said: list[dict[str, Any]]) -> None:
    alone = diverging(SOLO)
    for worker in said:
        results = worker["diverging"]
        assert results[1].artifact is None
        assert results[1].error == alone[1].error
        assert_same([results[0], results[2]], [alone[0], alone[2]], exact=False)


def test_a_member_that_rank_0_stops_is_stopped_by_every_worker(said: list[dict[str, Any]]) -> None:
    alone = stopping(SOLO)
    for worker in said:
        results = worker["stopping"]
        assert [(result.stopped, len(result.history)) for result in results] == [(False, 2), (True, 1), (False, 2)]
        assert_same(results, alone, exact=False)


def test_more_workers_than_examples_are_refused_by_all_of_them(said: list[dict[str, Any]]) -> None:
    assert "1 examples" in said[0]["too_many"]
    assert said[0]["too_many"] == said[1]["too_many"]


def test_a_worker_whose_peer_is_gone_says_so(said: list[dict[str, Any]]) -> None:
    assert said[0]["left_alone"]


def test_a_worker_that_has_met_another_waits_for_it_no_longer_than_its_bound(said: list[dict[str, Any]]) -> None:
    assert [each["silent"] for each in said] == [LostPeerError, None]
