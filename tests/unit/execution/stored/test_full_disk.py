"""A machine whose own disk is full, while its store takes results: /dev/full refuses what is written to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.memory_limits import Limit
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.execution.work.host import this_host
from panda_ray.execution.work.run_stack import settle
from panda_ray.training.config import TrainConfig

CONFIG = TrainConfig(lr=1e-3, batch_size=16, epochs=2)
STACK = Stack(
    tuple(
        Unit("train", "pot", 1, BackboneRef("tiny", "local:0"), DataRef("rte", "rows", 1), seed, config=CONFIG)
        for seed in (1, 2)
    )
)


def test_a_full_disk_of_a_worker_fails_the_stack_in_one_sentence_that_names_the_machine(tmp_path: Path) -> None:
    def run(stack: Stack, limit: Limit | None) -> list[Outcome]:
        Path("/dev/full").write_bytes(b"rows")
        return []

    store = Store(str(tmp_path))
    outcomes = settle(STACK, store, run)
    why = "[Errno 28] No space left on device"
    said = f"no space left on a disk of {this_host()} ({why}); free some there and run it again"
    assert outcomes == [Outcome(unit.key, "failed", said) for unit in STACK.members]
    assert {failure.error for failure in store.failures.among(STACK.keys).values()} == {said}


def test_another_error_of_the_operating_system_keeps_its_traceback(tmp_path: Path) -> None:
    def run(stack: Stack, limit: Limit | None) -> list[Outcome]:
        Path(tmp_path, "nowhere", "rows").write_bytes(b"rows")
        return []

    with pytest.raises(FileNotFoundError):
        settle(STACK, Store(str(tmp_path)), run)
