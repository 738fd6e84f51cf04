"""`panda-ray run` as a user meets it: real processes, a real store and MLflow database, tiny built-in tasks."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.processes.command_line import CommandLine, Ended, finish, start, start_warm
from support.servers.pages import answer, free_port, is_up

SWEEP = """\
name: tiny
storage: store
backbones: [builtin-tiny]
sources: [review, rating]
targets: [remark]
methods: [prompt_tuning, pot, panda]
metrics: [e_avg]
training: {epochs: 1}
tasks:
  review: {max_train_rows: 64, max_dev_rows: 32}
  rating: {max_train_rows: 64, max_dev_rows: 32}
  remark: {max_dev_rows: 32}
"""


def write_sweep(folder: Path) -> Path:
    (folder / "x.yaml").write_text(SWEEP)
    return folder


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(write_sweep(tmp_path), monkeypatch)


def scores(folder: Path) -> dict[tuple[str, str, str], str]:
    """Method, source and target to the score as it is written in the report."""
    with (folder / "store" / "reports" / "tiny" / "scores.csv").open() as file:
        return {(row["method"], row["sources"], row["target"]): row["score"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A whole run in one process: its folder and how it ended."""
    folder = write_sweep(tmp_path_factory.mktemp("inline"))
    return folder, finish(start_warm(folder, "run", "x.yaml", "--runner", "inline", "--json"))


@pytest.fixture
def there(inline: tuple[Path, Ended], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Further command lines in the folder of the whole run."""
    return CommandLine(inline[0], monkeypatch)


@pytest.mark.slow
class TestInline:
    def test_says_what_it_did(self, inline: tuple[Path, Ended]) -> None:
        _, ended = inline
        assert ended.code == 0, ended.err
        said = ended.json
        assert said["cells"] == {"total": 5, "done": 5, "failed": 0, "blocked": 0}
        assert said["units"]["new"] == said["units"]["total"] == said["units"]["done"]
        assert said["headline"]
        assert [(row["backbone"], row["target"]) for row in said["best"]] == [("builtin-tiny", "remark")]
        assert (said["failures"], said["skipped"], said["interrupted"]) == ([], [], None)
        assert "to go" in ended.err

    def test_writes_the_report(self, inline: tuple[Path, Ended]) -> None:
        folder, ended = inline
        page = folder / ended.json["report"]
        assert page == folder / "store" / "reports" / "tiny" / "report.html"
        written = {path.suffix for path in page.parent.rglob("*.*")}
        assert {".html", ".csv", ".md", ".tex", ".svg", ".png"} <= written
        assert set(scores(folder)) == {
            ("prompt_tuning", "", "remark"),
            ("pot", "review", "remark"),
            ("pot", "rating", "remark"),
            ("panda", "review", "remark"),
            ("panda", "rating", "remark"),
        }

    def test_the_same_command_again_computes_nothing(self, inline: tuple[Path, Ended], there: CommandLine) -> None:
        again = there("run", "x.yaml", "--runner", "inline")
        assert again.code == 0, again.err
        assert "5 of 5 cells done, 0 new results." in again.out
        assert "Report: store/reports/tiny/report.html" in again.out
        assert "MLflow: panda-ray ui x.yaml" in again.out
        plan = there("plan", "x.yaml", "--json").json
        assert plan["units"]["to_run"] == plan["stacks"] == 0
        assert plan["units"]["done"] == inline[1].json["units"]["total"]

    def test_the_same_command_again_imports_nothing_that_trains_or_draws(self, inline: tuple[Path, Ended]) -> None:
        page = inline[0] / "store" / "reports" / "tiny" / "report.html"
        made = page.stat().st_mtime_ns
        heavy = {"torch", "transformers", "ray", "matplotlib"}
        shown = f"atexit.register(lambda: print(sorted({heavy} & set(sys.modules))))"
        code = f"import atexit, sys; {shown}; from panda_ray.cli import main; main()"
        command = [sys.executable, "-c", code, "run", "x.yaml"]
        ended = subprocess.run(command, cwd=inline[0], capture_output=True, text=True, check=True, timeout=300)
        assert "5 of 5 cells done, 0 new results." in ended.stdout
        assert ended.stdout.rstrip().endswith("[]")
        assert page.stat().st_mtime_ns == made

    def test_track_makes_mlflow_anew_from_the_store(self, inline: tuple[Path, Ended], there: CommandLine) -> None:
        folder, _ = inline
        before = scores(folder)
        database = folder / "store" / "mlflow.db"
        database.rename(folder / "removed.db")
        lacking = there("report", "x.yaml")
        assert (lacking.code, lacking.out) == (2, "")
        assert "there is no MLflow database" in lacking.err
        for options in ([], ["--rebuild"]):
            tracked = there("track", "x.yaml", *options)
            assert tracked.code == 0, tracked.err
            assert f"has all {inline[1].json['units']['done']} finished units of tiny" in tracked.out
            assert there("report", "x.yaml").code == 0
            assert scores(folder) == before

    def test_status_and_report_beside_it(self, there: CommandLine) -> None:
        status = there("status", "x.yaml", "--watch")
        assert status.code == 0, status.err
        assert "5 cells, 5 done" in status.out
        report = there("report", "x.yaml", "--out", "elsewhere")
        assert report.code == 0, report.err
        assert (there.folder / "elsewhere" / "report.html").is_file()
        assert "Report: elsewhere/report.html" in report.out

    def test_plan_estimates_from_what_was_measured(self, there: CommandLine) -> None:
        plan = there("plan", "x.yaml", "--set", "tasks.remark.epochs=2", "--json").json
        assert plan["estimate"]["seconds"] > 0
        assert plan["estimate"]["shares"] == {"measured": 1.0}
        assert plan["changed"][0] == "config.epochs: 1 -> 2 (5 units)"

    def test_ray_gives_the_same_scores(self, inline: tuple[Path, Ended], tmp_path: Path) -> None:
        ended = finish(start(write_sweep(tmp_path), "run", "x.yaml", "--json"))
        assert ended.code == 0, ended.err
        assert ended.json["cells"]["done"] == 5
        assert scores(tmp_path) == scores(inline[0])

    @pytest.mark.cluster
    def test_ui_serves_the_runs_on_loopback(self, inline: tuple[Path, Ended]) -> None:
        folder, _ = inline
        port = free_port()
        server = start(folder, "ui", "x.yaml", "--port", str(port))
        try:
            assert answer(f"http://127.0.0.1:{port}/health", seconds=90) == "OK"
        finally:
            server.send_signal(signal.SIGINT)
            assert finish(server).code == 0
        assert not is_up(f"http://127.0.0.1:{port}/health"), "the server's own processes have ended too"


def test_what_no_wait_can_mend_of_tracking_is_told_before_the_first_stack(cli: CommandLine) -> None:
    ended = cli("run", "x.yaml", "--runner", "inline", "--set", "tracking_uri=htp://me:secret@tracking")
    assert (ended.code, ended.out) == (2, "")
    assert "MLflow at htp://***@tracking cannot be used" in ended.err
    assert "secret" not in ended.err
    assert not list((cli.folder / "store").rglob("record.json"))


@pytest.mark.slow
def test_a_tracking_server_that_is_away_is_told_at_the_start_and_at_the_end(cli: CommandLine) -> None:
    command = ["run", "x.yaml", "--runner", "inline", "--set", "methods=[prompt_tuning]", "--set", "metrics=[]"]
    ended = cli(*command, "--set", "tracking_uri=http://me:secret@127.0.0.1:9")
    assert ended.code == 0, ended.err
    assert "Connection refused; training goes on" in ended.err
    assert "MLflow at http://***@127.0.0.1:9 lacks 1 finished unit ([Errno 111] Connection refused)" in ended.out
    assert "panda-ray track x.yaml" in ended.out
    assert "no report yet: " in ended.out
    assert "secret" not in ended.out.replace(f"continues: {ended.out.rpartition('continues: ')[2]}", "") + ended.err


@pytest.mark.slow
def test_a_failing_cell_is_status_1_with_its_cause_and_is_retried(cli: CommandLine) -> None:
    command = ("run", "x.yaml", "--runner", "inline", "--set", "methods=[prompt_tuning, pot]", "--set", "metrics=[]")
    broken = cli(*command, "--set", "tasks.rating.lr=1e30")
    assert broken.code == 1, broken.err
    assert "2 of 3 cells done" in broken.out
    assert f"failed: 1 of 5, 1 blocked by them, see {cli.folder}/store/failures" in broken.out
    assert "prompt_tuning rating (seed 11): " in broken.out
    assert "The same command continues: " in broken.out
    again = cli(*command, "--set", "tasks.rating.lr=1e30", "--json")
    assert (again.code, again.json["units"]["new"], again.json["units"]["failed"]) == (1, 0, 1)
    mended = cli(*command, "--json")
    assert (mended.code, mended.json["units"]["new"]) == (0, 2)


@pytest.mark.slow
def test_ctrl_c_is_status_130_and_the_same_command_continues(inline: tuple[Path, Ended], cli: CommandLine) -> None:
    running = start_warm(cli.folder, "run", "x.yaml", "--runner", "inline")
    assert running.stderr is not None
    announced, first = running.stderr.readline(), running.stderr.readline()
    running.send_signal(signal.SIGINT)
    ended = finish(running)
    assert "0 of 15 units done" in announced
    assert "finished" in first
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert "Ended early: interrupted (SIGINT)." in ended.out
    assert "The same command continues: panda-ray run x.yaml --runner inline" in ended.out
    resumed = cli("run", "x.yaml", "--runner", "inline", "--json")
    assert resumed.code == 0, resumed.err
    assert 0 < resumed.json["units"]["new"] < resumed.json["units"]["total"]
    assert scores(cli.folder) == scores(inline[0])
