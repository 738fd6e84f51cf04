"""`panda-ray paper` from a plan to a table beside the paper's, on tasks of the built-in suite."""

from __future__ import annotations

import csv
from pathlib import Path

from panda_ray.sweep_file import load_sweep
from support.processes.command_line import run_here

SETS = [
    "storage=runs",
    "sources=[review]",
    "targets=[remark]",
    "methods=[prompt_tuning, pot]",
    "training={epochs: 1, prompt_len: 4}",
    "tasks={review: {max_train_rows: 32, max_dev_rows: 16}, remark: {max_train_rows: 32, max_dev_rows: 16}}",
    "resources={gpus_per_stack: 0}",
]
COMMAND = ["paper", "table5", "--backbones", "builtin-tiny", "--seeds", "1,2"]
COMMAND += [part for change in SETS for part in ("--set", change)]


def test_an_artefact_is_planned_run_and_written_with_the_sweep_that_makes_it_again(tmp_path: Path) -> None:
    before = run_here(tmp_path, *COMMAND, "--plan", "--json").json["table5"]
    assert (before["units"], before["to_run"], before["done"]) == (6, 6, 0)
    assert before["missing"] == {"panda": 1, "panda-random": 1, "panda-source": 1}

    made = run_here(tmp_path, *COMMAND, "--runner", "inline")
    assert made.code == 0, made.err
    assert "Table V: PanDa by its teacher" in made.out
    assert "nothing gives the cells of panda-random" in made.err
    folder = tmp_path / "runs" / "reports" / "paper-table5"
    with (folder / "table5.csv").open(encoding="utf-8") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert {method: row["builtin-tiny n"] for method, row in rows.items()} == {
        "prompt tuning (P-tuning v2)": "2",
        "vanilla PoT": "2",
        "PanDa": "",
    }
    assert (folder / "table5.tex").is_file()
    assert (folder / "report.html").is_file(), "it is an ordinary sweep underneath"

    after = run_here(tmp_path, *COMMAND, "--plan", "--json").json["table5"]
    assert (after["units"], after["to_run"], after["done"]) == (6, 0, 6)
    again = load_sweep(str(folder / "table5.sweep.yaml"))
    assert (again.name, again.seeds, again.targets, len(again.methods)) == ("paper-table5", [1, 2], ["remark"], 2)


def test_all_is_meant_where_nothing_runs_and_a_price_of_an_hour_gives_one_of_each(tmp_path: Path) -> None:
    printed = run_here(tmp_path, "paper", "--printed")
    assert all(f"**{name}" in printed.out for name in ("Table I:", "Table XVI:", "Figures 1", "What the paper claims"))

    planned = run_here(tmp_path, *COMMAND, "--plan")
    assert "no price is known; give one: --set 'prices=" in planned.out
    priced = run_here(tmp_path, *COMMAND, "--plan", "--set", "prices={currency: EUR, cpu_hour: 100000}")
    assert "no price is known" not in priced.out
    assert " EUR" in priced.out


def test_what_the_command_cannot_do_is_one_sentence(tmp_path: Path) -> None:
    for arguments, said in (
        (["table1"], "nothing runs for table1: it shows what is known beforehand; see it with --printed\n"),
        (["table4", "--printed", "--plan"], "--printed shows and --plan looks ahead; give one of them\n"),
        ([], "say what to make: table4, figure7, claims or all; --plan tells what each would take\n"),
    ):
        ended = run_here(tmp_path, "paper", *arguments)
        assert (ended.code, ended.out, ended.err) == (2, "", said)
