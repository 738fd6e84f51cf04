"""What is written can be read, compared with what is stored, and reported; a ratio that fell is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import check, projection
from benchmarks.measuring import measure
from benchmarks.throughput import Comparison, compare
from benchmarks.workloads.setting import Setting
from benchmarks.written import report, results
from panda_ray.errors import InputError

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty results folder."""
    for module in (results, check, report):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    return tmp_path


def comparison(task: str, official: float, peft: float) -> Comparison:
    setting = Setting("tiny", task, "panda", CPU)
    rates = {"stacked-8": 100 * official, "peft": 100 * official / peft, "official": 100.0}
    return Comparison(setting, rates, {8: {"official": [official / 2, official, official * 3], "peft": [peft]}})


def quick_file(official: float = 8.0, peft: float = 3.0) -> Path:
    content = check.quick_content([comparison("cb", official / 2, peft), comparison("stsb", official * 2, peft)])
    return results.write("quick", CPU, content)


def test_ratios_are_geometric_means_of_medians(folder: Path) -> None:
    content = results.read(quick_file())
    assert (content["ratio_official"], content["ratio_peft"], content["width"]) == (8.0, 3.0, 8)


def test_a_results_file_says_where_it_was_measured(folder: Path) -> None:
    path = quick_file()
    content = json.loads(path.read_text())
    assert path.name.startswith("quick-")
    assert {"schema", "part", "date", "machine", "measured"} <= content.keys()
    assert {"device", "cores", "threads", "torch", "transformers", "peft", "panda-ray", "commit"} <= content[
        "machine"
    ].keys()
    assert [entry["task"] for entry in content["measured"]] == ["cb", "stsb"]
    assert content["measured"][0]["ratios"]["8"]["official"] == [2.0, 4.0, 12.0]


def test_a_file_of_another_schema_is_refused(folder: Path) -> None:
    path = folder / "quick-old.json"
    path.write_text(json.dumps({"schema": 0}))
    with pytest.raises(InputError, match="schema is 0"):
        results.read(path)


def test_a_ratio_that_fell_is_an_error_and_a_slower_machine_is_not(folder: Path) -> None:
    baseline = check.store_baseline(quick_file(), CPU)
    assert "100%" in check.check(quick_file(), baseline)
    assert "ratios hold" in check.check(quick_file(official=6.5), baseline)
    with pytest.raises(InputError, match=r"ratio_official is 6\.00, stored is 8\.00 .*80%") as fallen:
        check.check(quick_file(official=6.0), baseline)
    assert "ratio_peft" not in str(fallen.value)


def test_without_a_stored_ratio_there_is_nothing_to_check(folder: Path) -> None:
    with pytest.raises(InputError, match="check --store"):
        check.check(quick_file(), check.baseline_path(CPU))


def test_ratios_of_another_processor_are_not_compared_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check.store_baseline(quick_file(), CPU)
    this_machine = check.describe(CPU)
    monkeypatch.setattr(check, "describe", lambda _: {**this_machine, "device": "Another Processor"})
    assert check.baseline_path(CPU).name.startswith("baseline-quick-another-processor-")
    assert not check.baseline_path(CPU).exists()


def test_ratios_are_per_turn() -> None:
    mine, other = ([measure.Timing(wall, wall / 2) for wall in walls] for walls in ((1.0, 4.0), (2.0, 2.0)))
    assert measure.paired_ratios(8, mine, 1, other, "wall") == [16.0, 4.0]
    assert measure.median_rate(8, mine, "cpu") == (16.0 + 4.0) / 2


def test_competitors_run_in_turn_and_one_that_does_not_fit_is_left_out() -> None:
    order: list[str] = []

    def competitor(name: str) -> Any:
        def train() -> None:
            order.append(name)
            if name == "wide":
                raise torch.OutOfMemoryError

        return lambda: train

    competitors = {name: competitor(name) for name in ("a", "wide", "c")}
    timings = measure.run_in_turn(competitors, 2, CPU)
    assert order == ["a", "wide", "c", "a", "c", "a", "c"]
    assert {name: len(found) for name, found in timings.items()} == {"a": 2, "c": 2}
    late = measure.run_in_turn(competitors, 9, CPU, seconds=0.0)
    assert len(late["a"]) == measure.LEAST_ROUNDS


def test_a_real_comparison_is_reported(folder: Path) -> None:
    setting = Setting("tiny", "cola", "panda", CPU, rows=8, batch_size=8, epochs=1)
    measured = compare(setting, [1, 2], ["peft", "official"], rounds=1)
    assert set(measured.rates) == {"stacked-1", "stacked-2", "peft", "official"}
    assert all(rate > 0 for rate in measured.rates.values())
    path = results.write("throughput", CPU, {"measured": [measured.as_json()]})
    quick_file()
    tables, plot = report.write_report()
    assert plot.name == f"{path.stem}.png"
    assert plot.stat().st_size > 10_000
    text = tables.read_text()
    assert f"| tiny | panda | cola | {measured.rates['stacked-1']:.0f} |" in text
    assert "**8.00** times (d)" in text
    assert "NOT measured" in text


def test_the_projection_multiplies_what_it_shows() -> None:
    tasks = projection.paper_tasks()
    parts = {part.name: part for part in projection.shares(tasks)}
    targets = [task for task in tasks if task.is_target]
    assert (len(tasks), len(targets)) == (21, 9)
    assert parts["PoT, 9 x 21"].examples == 21 * sum(task.rows * task.epochs for task in targets)
    assert parts["teachers, 9 x 21"].examples == 21 * sum(task.rows for task in targets)
    total = sum(part.operations for part in parts.values())
    assert f"| {projection.hours(total, 1e15):.2f} |" in projection.project(1e15, "a test").split("\n")[-1]
