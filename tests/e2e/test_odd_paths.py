"""A storage whose name holds what URIs and patterns give a meaning: every command finds the same place."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.processes.command_line import CommandLine, Ended, finish, start, start_warm
from support.servers.pages import answer, free_port, is_up

STORAGE = "a?b=1%41#c [x] &é*%"
SWEEP = f"""\
name: tiny
storage: {json.dumps(STORAGE)}
backbones: [builtin-tiny]
sources: [review]
targets: [remark]
methods: [prompt_tuning, pot]
training: {{epochs: 1}}
tasks: {{review: {{max_train_rows: 32, max_dev_rows: 16}}, remark: {{max_train_rows: 32, max_dev_rows: 16}}}}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A whole run: its folder and how it ended."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "x.yaml").write_text(SWEEP, encoding="utf-8")
    return folder, finish(start_warm(folder, "run", "x.yaml", "--runner", "inline", "--json"))


@pytest.fixture
def there(ran: tuple[Path, Ended], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(ran[0], monkeypatch)


def logged_units(folder: Path) -> int:
    with closing(sqlite3.connect(folder / STORAGE / "mlflow.db")) as database:
        query = "SELECT count(*) FROM tags WHERE key = 'complete' AND value = 'true'"
        return int(database.execute(query).fetchone()[0])


@pytest.mark.slow
class TestOddStorage:
    def test_the_run_is_whole_and_writes_nowhere_else(self, ran: tuple[Path, Ended]) -> None:
        folder, ended = ran
        assert ended.code == 0, ended.err
        assert (ended.json["cells"]["done"], ended.json["notes"]) == (2, [])
        assert Path(ended.json["report"]) == Path(STORAGE, "reports", "tiny", "report.html")
        assert logged_units(folder) == ended.json["units"]["total"] == 3
        assert {path.name for path in folder.iterdir()} == {STORAGE, "x.yaml"}
        assert "Warning" not in ended.err

    def test_every_command_reads_the_same_place(self, ran: tuple[Path, Ended], there: CommandLine) -> None:
        assert "2 cells, 2 done" in there("status", "x.yaml").out
        assert there("plan", "x.yaml", "--json").json["units"]["to_run"] == 0
        again = there("run", "x.yaml", "--runner", "inline", "--json").json
        assert (again["units"]["new"], again["notes"]) == (0, [])
        report = there("report", "x.yaml")
        assert report.code == 0, report.err
        assert report.err == "", "no interval is missing: the artifacts are found"
        cell = next(line for line in (there.folder / STORAGE).rglob("scores.csv")).read_text().splitlines()[1]
        key = next(field for field in cell.split(",") if len(field) == 64)
        exported = there("export", "x.yaml", key, f"{STORAGE}/adapter")
        assert exported.code == 0, exported.err
        assert (there.folder / STORAGE / "adapter" / "adapter_config.json").is_file()
        assert {path.name for path in there.folder.iterdir()} == {STORAGE, "x.yaml"}

    def test_mlflow_is_made_anew_there(self, ran: tuple[Path, Ended], there: CommandLine) -> None:
        tracked = there("track", "x.yaml", "--rebuild")
        assert tracked.code == 0, tracked.err
        assert there("report", "x.yaml").err == ""
        assert {path.name for path in there.folder.iterdir()} == {STORAGE, "x.yaml"}

    @pytest.mark.cluster
    def test_ui_serves_that_database(self, ran: tuple[Path, Ended]) -> None:
        port = free_port()
        server = start(ran[0], "ui", "x.yaml", "--port", str(port))
        try:
            page = f"http://127.0.0.1:{port}"
            assert answer(f"{page}/health", seconds=90) == "OK"
            assert is_up(f"{page}/api/2.0/mlflow/experiments/get-by-name?experiment_name=tiny")
        finally:
            server.send_signal(signal.SIGINT)
            assert finish(server).code == 0
        assert {path.name for path in ran[0].iterdir()} == {STORAGE, "x.yaml"}
