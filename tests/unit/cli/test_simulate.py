"""`panda-ray plan --simulate`: with the data, without it, and with what cannot be simulated."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.processes.command_line import CommandLine

PAPER = Path(__file__).parents[3] / "sweeps" / "paper" / "bert_large.yaml"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Command lines in an empty folder, on a machine that has no data set and asks nobody for one."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("panda_ray.tasks.rows.hub.fetch", None)
    return CommandLine(tmp_path, monkeypatch)


def simulate(cli: CommandLine, gpus: str, *others: str) -> tuple[str, ...]:
    return ("plan", str(PAPER), "--set", f"storage={cli.folder / 'store'}", "--simulate", gpus, *others)


def test_the_papers_grid_is_simulated_before_any_of_its_data_is_there(cli: CommandLine) -> None:
    ended = cli(*simulate(cli, "gpus=8,64", "--set", "resources.max_workers=8", "--json"))
    assert (ended.code, ended.err) == (0, "")
    forecast = ended.json
    assert (forecast["units"], len(forecast["published_sizes"])) == ({"total": 669, "done": 0}, 21)
    assert forecast["estimate"]["shares"] == {"assumed": 1.0}
    few, many = forecast["runs"]
    assert (few["gpus"], many["gpus"]) == (8, 64)
    assert 0 <= few["above_bound"] <= 0.1
    assert 0 <= many["above_bound"] <= 0.2
    assert few["makespan_seconds"] > many["makespan_seconds"] > many["strict_bound_seconds"] >= many["bound_seconds"]
    path = [step["unit"].split()[0] for step in forecast["critical_path"]]
    assert path == ["prompt_tuning", "teacher", "panda"]
    assert not (cli.folder / "store").exists()


def test_what_is_said_to_people(cli: CommandLine) -> None:
    said = cli(*simulate(cli, "gpus=8")).out
    assert "the rows of 21 tasks are not here, their published sizes (Table I) are used: boolq, " in said
    assert "of that time 100 % assumed" in said
    assert "memory: bert-large pot, teachers -> " in said, "one line for stages that take the same"
    assert "critical path, " in said
    assert "resources.max_workers would shorten the critical path" in said


def test_rows_that_are_here_are_counted(cli: CommandLine) -> None:
    (cli.folder / "x.yaml").write_text(
        "{name: x, storage: store, backbones: [builtin-tiny], sources: [review], targets: [remark], methods: [pot]}"
    )
    forecast = cli("plan", "x.yaml", "--simulate", "gpus=1", "--json").json
    assert forecast["published_sizes"] == []
    assert forecast["runs"][0]["stacks"] == forecast["stacks"] == 2


@pytest.mark.parametrize(
    ("gpus", "others", "said"),
    [
        ("8", (), "--simulate gpus=8,16,64"),
        ("gpus=8,zero", (), "--simulate gpus=8,16,64"),
        ("gpus=0", (), "--simulate gpus=8,16,64"),
        ("gpus=1,4", ("--set", "resources.gpus_per_stack=2"), "gpus=1 cannot hold a stack"),
    ],
)
def test_what_cannot_be_simulated_is_refused(cli: CommandLine, gpus: str, others: tuple[str, ...], said: str) -> None:
    ended = cli(*simulate(cli, gpus, *others))
    assert ended.code == 2
    assert said in ended.err
