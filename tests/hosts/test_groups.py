"""A training spread over two hosts: its workers find each other, and it goes on without those that are lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from subprocess import PIPE

import pytest
import torch

from panda_ray.execution.store.sealed import Record
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PROMPT_FILE
from panda_ray.prompts.prompt import Prompt
from support.processes.spreading import EARLY, few
from support.sweeps.small_sweeps import run_inline
from testbed import Host, Laptop, Testbed

EPOCHS = 60
WITHOUT_TOKEN = ("env", "RAY_AUTH_MODE=disabled")
_RAY = ("--object-store-memory=150000000", "--disable-usage-stats", "--num-cpus=1")


@pytest.fixture(scope="module")
def hosts(testbed: Testbed) -> list[Host]:
    """A head and a worker with one slot each, and a host without Ray."""
    head, worker, other = testbed.start_hosts(3)
    started = ("ray", "start", "--head", "--port=6379", f"--node-ip-address={head.address}", *_RAY)
    head.run(*WITHOUT_TOKEN, *started, "--include-dashboard=false")
    join(worker, head)
    return [head, worker, other]


def join(worker: Host, head: Host) -> None:
    worker.run(*WITHOUT_TOKEN, "ray", "start", f"--address={head.address}:6379", *_RAY)


@pytest.fixture(scope="module")
def alone(testbed: Testbed) -> tuple[Path, str]:
    """A store that one process has filled, and the key of the training that the others spread."""
    storage = testbed.share / "alone"
    plan = run_inline(few(storage, EPOCHS))
    (key,) = (key for key, unit in plan.units.items() if unit.method == "panda")
    return storage, key


@pytest.fixture(scope="module")
def undisturbed(testbed: Testbed, hosts: list[Host], alone: tuple[Path, str]) -> Path:
    """A store in which two hosts have trained it."""
    storage = without_the_training(alone, testbed.share / "undisturbed")
    with driving(hosts[0], storage) as lines:
        assert events(lines) == [
            "started builtin-tiny panda -> remark x1 on 2 workers",
            "outcome done None",
        ]
    return storage


def without_the_training(alone: tuple[Path, str], storage: Path) -> Path:
    shutil.copytree(alone[0], storage)
    shutil.rmtree(storage / "units" / alone[1][:2] / alone[1])
    return storage


@contextmanager
def driving(head: Host, storage: Path, how: str = "spread") -> Iterator[Iterator[str]]:
    """Lines of a driver on the head; it must succeed, when they have been read."""
    command = head.command(
        *WITHOUT_TOKEN, sys.executable, "-m", "support.processes.spreading", str(storage), str(EPOCHS), how
    )
    # A pipe that nobody reads would halt the driver once it is full.
    with tempfile.TemporaryFile("w+") as errors, subprocess.Popen(command, stdout=PIPE, stderr=errors) as process:
        assert process.stdout is not None
        try:
            yield map(_shown, process.stdout)
            ended = process.wait()
            errors.seek(0)
            assert ended == 0, errors.read()
        finally:
            process.kill()


def _shown(line: bytes) -> str:
    """A line, and for whoever reads of a failure when it came."""
    text = line.decode().rstrip("\n")
    print(f"{datetime.now():%H:%M:%S}", text, flush=True)
    return text


def until(lines: Iterator[str], wanted: str) -> None:
    for line in lines:
        if line == wanted:
            return
    raise AssertionError(f"the driver ended without {wanted!r}")


def events(lines: Iterator[str]) -> list[str]:
    """What happened from here on, without epochs, and without what Ray says of its own."""
    return [line for line in lines if line.startswith(("started", "lost", "outcome"))]


def record_and_prompt(storage: Path, key: str) -> tuple[Record, dict[str, torch.Tensor]]:
    store = Store(str(storage))
    return store.known(key), Prompt.from_bytes(store.read_file(key, PROMPT_FILE)).tensors()


def assert_close(storage: Path, other: Path, key: str) -> None:
    """The same score and prompt but for rounding."""
    (record, tensors), (expected, others) = record_and_prompt(storage, key), record_and_prompt(other, key)
    assert record["score"] == pytest.approx(expected["score"], abs=1e-4)
    for name, tensor in tensors.items():
        torch.testing.assert_close(tensor, others[name], rtol=1e-2, atol=1e-3)


def test_workers_on_two_hosts_have_the_numbers_of_one_process_and_the_record_names_both(
    undisturbed: Path, alone: tuple[Path, str]
) -> None:
    record, _ = record_and_prompt(undisturbed, alone[1])
    assert (record["workers"], sorted(record["hosts"])) == (2, ["panda1", "panda2"])
    assert_close(undisturbed, alone[0], alone[1])


def test_a_group_that_lost_a_worker_goes_on_with_as_many_and_has_the_bits_of_one_that_did_not(
    testbed: Testbed, hosts: list[Host], alone: tuple[Path, str], undisturbed: Path
) -> None:
    storage, key = without_the_training(alone, testbed.share / "worker-killed"), alone[1]
    with driving(hosts[0], storage) as lines:
        until(lines, f"epoch panda {EARLY}")
        hosts[1].run("pkill", "-KILL", "-f", "RayTrainWorker")
        assert events(lines) == [
            "lost a worker on panda2 died",
            "started builtin-tiny panda -> remark x1 on 2 workers",
            "outcome done None",
        ]
    assert Store(str(storage)).known(key)["files"] == Store(str(undisturbed)).known(key)["files"]


def test_a_group_that_lost_a_host_goes_on_alone_and_the_next_one_uses_it_again(
    testbed: Testbed, hosts: list[Host], alone: tuple[Path, str], undisturbed: Path
) -> None:
    head, worker, _ = hosts
    storage, key = without_the_training(alone, testbed.share / "host-killed"), alone[1]
    with driving(head, storage) as lines:
        until(lines, f"epoch panda {EARLY}")
        worker.kill()
        happened = events(lines)
    assert happened[0] == "lost a worker on panda2 died"
    # Until Ray notices that the host is gone, its slot counts, and the next group waits for it in vain.
    assert happened[-2:] == ["started builtin-tiny panda -> remark x1", "outcome done None"]
    record, _ = record_and_prompt(storage, key)
    assert (record["workers"], record["hosts"]) == (1, ["panda1"])
    assert_close(storage, alone[0], key)
    worker.start()
    join(worker, head)
    again = without_the_training(alone, testbed.share / "host-back")
    with driving(head, again) as lines:
        assert events(lines) == ["started builtin-tiny panda -> remark x1 on 2 workers", "outcome done None"]
    assert Store(str(again)).known(key)["files"] == Store(str(undisturbed)).known(key)["files"]


def test_a_group_whose_network_was_cut_goes_on_alone(
    testbed: Testbed, hosts: list[Host], alone: tuple[Path, str]
) -> None:
    head, worker, _ = hosts
    storage, key = without_the_training(alone, testbed.share / "network-cut"), alone[1]
    with driving(head, storage) as lines:
        until(lines, f"epoch panda {EARLY}")
        worker.cut()
        happened = events(lines)
    worker.mend()
    assert next(line for line in happened if line.startswith("lost")).startswith("lost a worker")
    assert happened[-2:] == ["started builtin-tiny panda -> remark x1", "outcome done None"]
    assert_close(storage, alone[0], key)


def test_a_training_on_one_worker_goes_on_with_two_when_a_host_joins(
    testbed: Testbed, hosts: list[Host], alone: tuple[Path, str]
) -> None:
    head, worker, _ = hosts
    worker.run(*WITHOUT_TOKEN, "ray", "stop", "--force")
    storage, key = without_the_training(alone, testbed.share / "joined"), alone[1]
    with driving(head, storage, "grow") as lines:
        until(lines, f"epoch panda {EARLY}")
        join(worker, head)
        assert events(lines) == ["started builtin-tiny panda -> remark x1 on 2 workers", "outcome done None"]
    record, _ = record_and_prompt(storage, key)
    assert record["shapes"] == [1, 2]
    assert sorted(record["hosts"]) == ["panda1", "panda2"]
    assert_close(storage, alone[0], key)


def test_a_machine_that_is_no_node_is_told_to_submit(laptop: Laptop, hosts: list[Host], tmp_path: Path) -> None:
    sweep = tmp_path / "x.yaml"
    sweep.write_text(few(tmp_path / "store", 1).model_dump_json())
    laptop.environment["RAY_AUTH_MODE"] = "disabled"
    address = f"{hosts[0].address}:6379"
    ended = laptop.run("python", "-m", "panda_ray.cli", "run", str(sweep), "--address", address, check=False)
    assert ended.returncode == 2
    said = ended.stderr.splitlines()[-1]
    assert said.startswith(f"--address {address}: this machine is no node of the cluster at {address}")
    assert "`panda-ray submit`" in said
    ended = hosts[2].run("python", "-m", "panda_ray.cli", "run", str(sweep), "--address", "auto", check=False)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("--address auto: no Ray cluster runs on this machine")
