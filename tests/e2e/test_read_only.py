"""A finished study on a file system that cannot be written: every command still answers."""

from __future__ import annotations

import csv
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes.command_line import CommandLine, Ended, finish, run_here, start
from support.processes.driving import read_only
from support.servers.pages import answer, free_port, is_up

SWEEP = """\
name: tiny
storage: store
backbones: [builtin-tiny]
sources: [review]
targets: [remark]
methods: [prompt_tuning, pot]
training: {epochs: 1}
tasks: {review: {max_train_rows: 32, max_dev_rows: 16}, remark: {max_train_rows: 32, max_dev_rows: 16}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a finished study whose storage cannot be written, and was moved before: MLflow still has its old place."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "x.yaml").write_text(SWEEP)
    ended = run_here(folder, "run", "x.yaml", "--runner", "inline", "--set", "storage=first")
    assert ended.code == 0, ended.err
    (folder / "first").rename(folder / "store")
    with read_only(folder / "store"):
        yield folder


@pytest.fixture
def cli(folder: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(folder, monkeypatch)


def said(ended: Ended) -> str:
    assert ended.code == 0, ended.err
    return ended.out


@pytest.mark.slow
class TestReadOnly:
    def test_status_and_plan(self, cli: CommandLine) -> None:
        assert "2 cells, 2 done" in said(cli("status", "x.yaml"))
        assert "nothing to run" in said(cli("plan", "x.yaml"))

    @pytest.mark.parametrize("runner", ["inline", "ray"])
    def test_a_run_with_nothing_to_do(self, cli: CommandLine, runner: str) -> None:
        shown = said(cli("run", "x.yaml", "--runner", runner))
        assert "2 of 2 cells done, 0 new results." in shown
        assert "cannot be used: attempt to write a readonly database" in shown
        assert "no report yet: the report cannot be written to store/reports/tiny (Read-only file system)" in shown

    def test_a_run_with_something_to_do_is_refused(self, cli: CommandLine) -> None:
        ended = cli("run", "x.yaml", "--runner", "inline", "--set", "seeds=[5]")
        assert (ended.code, ended.out) == (2, "")

    def test_report_names_out_and_goes_there_with_its_intervals(self, cli: CommandLine) -> None:
        ended = cli("report", "x.yaml")
        assert (ended.code, ended.out) == (2, "")
        assert "report --out DIR" in ended.err
        said(cli("report", "x.yaml", "--out", "out"))
        intervals = (cli.folder / "out" / "report.html").read_text()
        assert "95 %" in intervals
        assert "lost their per-item statistics" not in intervals

    def test_export(self, cli: CommandLine) -> None:
        said(cli("report", "x.yaml", "--out", "out"))
        with (cli.folder / "out" / "scores.csv").open() as file:
            key = next(iter(csv.DictReader(file)))["key"]
        said(cli("export", "x.yaml", key, "adapter"))
        assert (cli.folder / "adapter" / "adapter_config.json").is_file()

    @pytest.mark.cluster
    def test_ui(self, folder: Path) -> None:
        port = free_port()
        server = start(folder, "ui", "x.yaml", "--port", str(port))
        try:
            page = f"http://127.0.0.1:{port}"
            assert answer(f"{page}/health", seconds=90) == "OK"
            assert is_up(f"{page}/api/2.0/mlflow/experiments/get-by-name?experiment_name=tiny")
        finally:
            server.send_signal(signal.SIGINT)
            assert finish(server).code == 0
