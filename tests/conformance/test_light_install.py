"""`pip install panda-ray` plans, watches, tracks and reports; what trains is refused with what to install."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from panda_ray.sweep_file import load_sweep
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.runner import RunnerName, make_runner
from support.processes.absence import environment_without, only_for_training

STORAGE = "runs/quickstart"
FEW = [
    "sources=[review, rating]",
    "targets=[remark]",
    "methods=[prompt_tuning, pot]",
    "metrics=[e_avg]",
    "seeds=[1]",
    "training.epochs=1",
    "tasks={review: {max_train_rows: 48, max_dev_rows: 16}, rating: {max_train_rows: 32}, remark: {max_dev_rows: 16}}",
]
SETS = [part for change in FEW for part in ("--set", change)]
COMMANDS = """
import contextlib, io, json, sys
from panda_ray.cli import main

ended = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["panda-ray", *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as status:
            ended.append((status.code or 0, out.getvalue(), err.getvalue()))
print(json.dumps(ended))
"""
"""Command lines one after the other in one process; each ends with its status, what it printed and what it said."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of a finished study, made where everything is installed."""
    folder = tmp_path_factory.mktemp("study")
    sweep = load_sweep("quickstart", [*FEW, f"storage={folder / STORAGE}"])
    assert run_sweep(sweep, make_runner(RunnerName.INLINE)).summary.complete
    return folder


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    return folder


def light(folder: Path, at: Path, code: str, *arguments: str) -> str:
    """What a process prints that works in `at` and has the packages of a light install; `folder` is for its needs."""
    command = [sys.executable, "-c", code, *arguments]
    environment = environment_without(only_for_training(), folder)
    ended = subprocess.run(command, cwd=at, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def panda_ray(folder: Path, at: Path, *lines: Sequence[str]) -> list[tuple[int, str, str]]:
    """Status, stdout and stderr of command lines in a light install."""
    return [tuple(ended) for ended in json.loads(light(folder, at, COMMANDS, json.dumps(lines)))]


def test_the_engine_and_the_server_are_what_a_light_install_lacks() -> None:
    assert {
        "torch",
        "transformers",
        "tokenizers",
        "safetensors",
        "scipy",
        "ray",
        "mlflow",
        "flask",
    } <= only_for_training()
    assert not {"mlflow-skinny", "sqlalchemy", "alembic", "datasets", "pandas", "matplotlib"} & only_for_training()


def test_a_light_install_plans_simulates_lists_and_says_its_schema(tmp_path: Path, nowhere: Path) -> None:
    lists = [[name] for name in ("tasks", "methods", "metrics", "backbones")]
    planned, simulated, schema, *listed = panda_ray(
        tmp_path,
        nowhere,
        ["plan", "quickstart", "--json", *SETS],
        ["plan", "quickstart", "--json", *SETS, "--simulate", "gpus=2"],
        ["schema"],
        *lists,
    )
    assert [code for code, _, _ in (planned, simulated, schema, *listed)] == [0] * 7
    assert json.loads(planned[1])["units"]["total"] > 5
    assert json.loads(simulated[1])["runs"][0]["gpus"] == 2
    assert "backbones" in json.loads(schema[1])["properties"]
    names = ("review", "panda_fusion", "task_embedding", "bert-large")
    assert all(name in out for name, (_, out, _) in zip(names, listed, strict=True))


def test_a_light_install_watches_tracks_and_reports_a_finished_study(tmp_path: Path, study: Path) -> None:
    status, track, report = panda_ray(
        tmp_path,
        study,
        ["status", "quickstart", *SETS],
        ["track", "quickstart", "--rebuild", *SETS],
        ["report", "quickstart", "--out", "report", *SETS],
    )
    assert (status[0], track[0], report[0]) == (0, 0, 0), (status, track, report)
    assert "3 cells, 3 done" in status[1]
    assert "has all" in track[1]
    page = (study / "report" / "report.html").read_text()
    assert "rating" in page
    assert list((study / "report").glob("*.png"))


def test_a_light_install_writes_the_tables_of_the_paper_and_its_verdicts(tmp_path: Path, nowhere: Path) -> None:
    ((code, out, err),) = panda_ray(tmp_path, nowhere, ["paper", "claims", "--printed"])
    assert code == 0, err
    assert "cells with PanDa above PoT" in out


def test_provenance_has_the_versions_of_what_is_installed(tmp_path: Path) -> None:
    code = """
import json, sys
from panda_ray.sweep_file import load_sweep
from panda_ray.tracking.writing.provenance import provenance
print(json.dumps(provenance(load_sweep("quickstart", []))["versions"]))
"""
    versions = json.loads(light(tmp_path, tmp_path, code))
    assert versions.keys() == {"python", "panda-ray", "mlflow", "numpy"}


def test_what_needs_the_engine_is_refused_with_what_to_install(tmp_path: Path, nowhere: Path) -> None:
    refused = panda_ray(
        tmp_path,
        nowhere,
        ["run", "quickstart"],
        ["run", "quickstart", "--runner", "inline"],
        ["quickstart"],
        ["export", "quickstart", "0", "adapter"],
        ["data", "check"],
    )
    needs = ["a run needs torch"] * 3 + ["an export needs torch", "a check, which counts tokens, needs transformers"]
    assert refused == [refusal(need) for need in needs]
    assert not list(nowhere.iterdir())


def test_the_pages_of_mlflow_are_refused_with_what_to_install(tmp_path: Path, study: Path) -> None:
    assert panda_ray(tmp_path, study, ["ui", "quickstart"]) == [refusal("MLflow's server needs flask")]


def refusal(need: str) -> tuple[int, str, str]:
    """One sentence on stderr and the exit status of an `InputError`."""
    return 2, "", f"{need}, which is not installed here: pip install 'panda-ray[train]'\n"
