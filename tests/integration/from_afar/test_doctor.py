"""`panda-ray doctor` against what really goes wrong: killed drivers, servers that are away, disks, real Ray."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from panda_ray.clusters.code import code_hash
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.runners import temporary
from panda_ray.execution.runners.temporary import left_over_folders
from panda_ray.execution.store.store import Store
from panda_ray.sweep_file import load_sweep
from panda_ray.tracking import upkeep
from panda_ray.tracking.reading import read_progress as reading
from panda_ray.tracking.reading.read_progress import read_progress
from panda_ray.tracking.server.client import connect
from panda_ray.usecases.doctor import machine, services
from panda_ray.usecases.doctor.case import Case
from panda_ray.usecases.doctor.examine import CHECKS, Examination, examine
from support.processes.command_line import CommandLine, start
from support.sweeps.tracked import Server

pytestmark = pytest.mark.cluster

OLD = 2 * 3600


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.delenv("PANDA_RAY_STORAGE", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return CommandLine(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.stop()


def written(folder: Path, **changes: Any) -> str:
    described = {
        "name": "small",
        "storage": "store",
        "backbones": ["builtin-tiny"],
        "sources": ["review"],
        "targets": ["remark"],
        "methods": ["pot"],
        "metrics": [],
        "seeds": [1],
        "training": {"epochs": 4000, "prompt_len": 4, "batch_size": 16},
    }
    (folder / "x.yaml").write_text(json.dumps(described | changes), encoding="utf-8")
    return "x.yaml"


def of(found: Examination | dict[str, Any], check: str) -> list[tuple[str, str, str]]:
    """State, sentence and remedy of what a check found."""
    if isinstance(found, Examination):
        return [(each.state, each.says, each.remedy) for each in found.findings if each.check == check]
    return [(each["state"], each["says"], each["remedy"]) for each in found["findings"] if each["check"] == check]


def test_a_healthy_sweep_has_facts_no_remedy_and_status_0(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "_parent", lambda: cli.folder)  # other tests kill drivers at the same time
    monkeypatch.setattr(services, "SLOW_SECONDS", 60.0)  # and keep the disk busy
    ended = cli("doctor", written(cli.folder), "--json")
    found = ended.json
    assert (ended.code, found["exit_code"]) == (0, 0)
    assert [each for each in found["findings"] if each["state"] != "ok"] == []
    assert {each["check"] for each in found["findings"]} <= CHECKS.keys()
    facts = found["facts"]
    assert facts["versions"]["code"] == code_hash()
    assert facts["tracking_uri"] == f"sqlite:///{cli.folder}/store/mlflow.db"
    assert (facts["storage"], facts["storage_root"]) == ("store", None)
    assert not (cli.folder / "store").exists(), "looking leaves nothing behind"


def test_a_storage_that_takes_long_is_a_warning_with_what_it_took_and_no_failure(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "SLOW_SECONDS", 0.0)
    ended = cli("doctor", written(cli.folder), "--json")
    assert ended.code == 0
    ((state, says, remedy),) = of(ended.json, "storage")
    assert (state, remedy) == ("warning", "use a storage that is nearer to the workers")
    assert re.fullmatch(r".*store takes results; putting and removing a file took \d+ ms", says)


def test_without_a_sweep_what_the_cluster_says_of_itself_is_looked_at_and_a_sweep_stays_as_it_runs_here(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANDA_RAY_STORAGE", f"{cli.folder}/root/")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{cli.folder}/tracked.db")
    facts = cli("doctor", "--json").json["facts"]
    assert facts["storage_root"] == facts["storage"] == f"{cli.folder}/root"
    assert facts["tracking_uri"] == f"sqlite:///{cli.folder}/tracked.db"
    facts = cli("doctor", written(cli.folder), "--json").json["facts"]
    assert facts["storage"] == "store"
    assert facts["tracking_uri"] == f"sqlite:///{cli.folder}/store/mlflow.db"


def test_a_server_that_is_away_and_a_storage_that_is_none_are_sentences_and_status_1(cli: CommandLine) -> None:
    (cli.folder / "file").write_text("")
    sweep = written(cli.folder, storage="file/store", tracking_uri="http://127.0.0.1:9")
    ended = cli("doctor", sweep, "--json")
    assert ended.code == 1
    [(state, says, _)] = of(ended.json, "tracking")
    assert state == "failure"
    assert "http://127.0.0.1:9" in says
    [(state, says, _)] = of(ended.json, "storage")
    assert (state, "lies below a file" in says) == ("failure", True)


def test_a_password_is_not_shown(cli: CommandLine) -> None:
    sweep = written(cli.folder, tracking_uri="http://me:hunter2@127.0.0.1:9")
    for arguments in (["doctor", sweep], ["doctor", sweep, "--json"]):
        ended = cli(*arguments)
        assert "hunter2" not in ended.out + ended.err


def test_rows_that_are_not_there_are_named(cli: CommandLine) -> None:
    (cli.folder / "nowhere").mkdir()
    sweep = written(cli.folder, sources=["rte"], targets=["cb"], data_root="nowhere")
    [(state, says, remedy)] = of(cli("doctor", sweep, "--json").json, "data")
    assert state == "failure"
    assert "rte, cb" in says
    assert "docs/data.md" in remedy


def test_little_room_is_a_warning_and_none_a_failure() -> None:
    assert machine.room_left("disk", "here", machine.LITTLE_BYTES) is None
    for free, state in ((machine.LITTLE_BYTES - 1, "warning"), (machine.NO_BYTES - 1, "failure")):
        finding = machine.room_left("disk", "here", free)
        assert finding is not None
        assert finding.state == state
        assert "MiB are free here" in finding.says


def test_a_version_that_answers_is_said(cli: CommandLine, server: Server) -> None:
    found = cli("doctor", written(cli.folder, tracking_uri=server.uri), "--json").json
    [(state, says, _)] = of(found, "tracking")
    assert state == "ok"
    assert found["facts"]["tracking_version"] == found["facts"]["versions"]["mlflow"]
    assert f"MLflow {found['facts']['tracking_version']} at {server.uri}" in says


@pytest.mark.slow
def test_a_killed_driver_is_found_and_mended_and_a_living_one_is_left_alone(
    cli: CommandLine, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_file = written(cli.folder, tracking_uri=server.uri)
    sweep = load_sweep(sweep_file, [])
    with start(cli.folder, "run", sweep_file, "--runner", "inline") as process:
        try:
            deadline = time.monotonic() + 240
            while process.poll() is None and time.monotonic() < deadline and not _runs(server.uri):
                time.sleep(1)
            beside = examine(Case(sweep), fix=True)
            assert "heard of lately" in of(beside, "stale runs")[0][1]
            assert "1 leases, none of a process" in of(beside, "leases")[0][1]
            assert read_progress(server.uri, "small").state == "running"
        finally:
            process.send_signal(signal.SIGKILL)

    client = connect(server.uri)
    [experiment] = client.search_experiments(filter_string="name = 'small'")
    cut = client.create_run(experiment.experiment_id, start_time=int(1000 * (time.time() - OLD)))
    for module in (reading, upkeep):
        monkeypatch.setattr(module, "STALE_SECONDS", 1.0)
    _leave_half_a_unit(sweep_file)
    time.sleep(2)
    seen = examine(Case(sweep))
    assert [of(seen, check)[0][0] for check in ("stale runs", "leases", "leftovers")] == ["warning"] * 3
    assert all(remedy for check in ("stale runs", "leases", "leftovers") for _, _, remedy in of(seen, check))
    assert read_progress(server.uri, "small").state == "running", "looking mends nothing"

    mended = examine(Case(sweep), fix=True)
    assert [of(mended, check)[0][1] for check in ("stale runs", "leases")] == [
        "mended: 2 runs were ended",
        "mended: 1 leases were removed",
    ]
    assert "1 files of the storage" in of(mended, "leftovers")[0][1]
    assert read_progress(server.uri, "small").state == "interrupted"
    assert client.get_run(cut.info.run_id).info.status == "KILLED"
    again = examine(Case(sweep), fix=True)
    assert [of(again, check)[0][0] for check in ("stale runs", "leases", "leftovers")] == ["ok"] * 3
    assert not any(says.startswith("mended") for _, says, _ in of(again, "leftovers"))
    assert left_over_folders() == []


def _runs(uri: str) -> bool:
    try:
        found = read_progress(uri, "small")
    except Exception:
        return False
    return found.snapshot is not None and bool(found.snapshot.stacks)


def _leave_half_a_unit(sweep_file: str) -> None:
    """A file of a unit whose writer died two hours ago, and one that is being written."""
    sweep = load_sweep(sweep_file, [])
    keys = list(build_plan(sweep, Store(sweep.storage)).units)
    for key, age in zip(keys, (OLD, 0), strict=False):
        folder = Path(sweep.storage, "units", key[:2], key)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "prompt.01234567.safetensors"
        file.write_bytes(b"half")
        os.utime(file, (time.time() - age, time.time() - age))
