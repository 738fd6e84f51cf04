"""`panda-ray prompts`: what is said of a store of prompts, and that nothing is removed without a yes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.processes.command_line import CommandLine
from support.sweeps.small_sweeps import run_inline, small_sweep

SWEEP = """\
name: small
storage: runs
backbones: [builtin-tiny]
sources: [review]
targets: [remark]
methods: [pot]
training: {epochs: 1, prompt_len: 4, batch_size: 16}
tasks: {review: {max_train_rows: 24, max_dev_rows: 12}, remark: {max_train_rows: 24, max_dev_rows: 12}}
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A folder with a sweep file, and the finished study that it describes."""
    (tmp_path / "small.yaml").write_text(SWEEP)
    training = {"epochs": 1, "prompt_len": 4, "batch_size": 16}
    changes = {"sources": ["review"], "methods": ["pot"], "metrics": [], "seeds": [11], "training": training}
    run_inline(small_sweep(tmp_path / "runs", **changes))
    return CommandLine(tmp_path, monkeypatch)


def test_prompts_are_pushed_listed_shown_pulled_and_removed(cli: CommandLine) -> None:
    pushed = cli("prompts", "push", "small.yaml", "shared", "--task", "review")
    assert pushed.code == 0, pushed.err
    assert "1 prompts copied to shared" in pushed.out
    (entry,) = cli("prompts", "ls", "shared", "--json").json
    listed = cli("prompts", "ls", "shared").out
    for said in ("review", "builtin-tiny", "prompt_tuning", f"{entry['score']:.1f}", entry["key"][:12]):
        assert said in listed
    shown = cli("prompts", "show", "shared", entry["key"][:12]).json
    assert shown["record"]["identity"]["config"]["prompt_len"] == 4
    assert shown["size"] == entry["size"]
    assert "1 prompts copied to elsewhere" in cli("prompts", "pull", "shared", "elsewhere").out
    assert cli("prompts", "ls", "elsewhere", "--json").json == [entry]
    removed = cli("prompts", "rm", "shared", entry["key"][:12], "--yes")
    assert removed.out.startswith("removed the prompt of review on builtin-tiny, seed 11")
    assert cli("prompts", "ls", "shared", "--json").json == []
    assert cli("prompts", "ls", "elsewhere", "--json").json == [entry], "a copy is nobody else's"


def test_nothing_is_removed_without_a_yes(cli: CommandLine) -> None:
    cli("prompts", "push", "small.yaml", "shared")
    (entry,) = cli("prompts", "ls", "shared", "--json").json
    assert cli("prompts", "rm", "shared", entry["key"][:12]).code == 1
    assert cli("prompts", "ls", "shared", "--json").json == [entry]


def test_a_plan_says_what_is_taken(cli: CommandLine) -> None:
    cli("prompts", "push", "small.yaml", "shared")
    plan = cli("plan", "small.yaml", "--set", "storage=others", "--set", "prompts=shared")
    assert "1 trained prompts are taken from shared; they count as done" in plan.out
    asked = ("plan", "small.yaml", "--json", "--set", "storage=others")
    assert cli(*asked, "--set", "prompts=shared").json["taken"] == 1
    assert cli(*asked).json["taken"] == 0
