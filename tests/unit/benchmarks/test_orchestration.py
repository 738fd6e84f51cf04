"""What the orchestration benchmark makes of its measurements, and one part of it in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.orchestration.bar import Bar
from benchmarks.orchestration.events import read_events, times
from benchmarks.orchestration.measures.driver_memory import Sample, bytes_per_stack, halves, seconds_per_stack
from benchmarks.orchestration.measures.grid import merged, working_times
from benchmarks.orchestration.measures.planning import measure_plan


def test_overlapping_stacks_count_once() -> None:
    assert list(merged([(5, 6), (0, 2), (1, 3), (3, 4), (0, 1)])) == [(0, 4), (5, 6)]
    assert list(merged([])) == []


def test_a_stack_trains_for_the_sum_of_its_members_times() -> None:
    member = {"stack": "a", "product": "prompt", "training_seconds": 4.0, "seconds": 6.0}
    embedding = {"stack": "b", "product": "embedding", "seconds": 2.0}
    records = [
        {**member, "finished_at": "1970-01-01T00:01:00+00:00"},
        {**member, "finished_at": "1970-01-01T00:01:01+00:00"},
        {**embedding, "finished_at": "1970-01-01T00:02:00+00:00"},
    ]
    assert list(working_times(records)) == [(52.0, 60.0), (118.0, 120.0)]


def test_a_log_is_read_while_it_grows(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    assert read_events(log) == []
    log.write_text('[1.5, "planned", null]\n[2.5, "done", "a"]\n[3.5, "do')
    assert times(read_events(log), "done") == [2.5]


def test_memory_per_stack_is_a_slope_and_the_start_is_no_part_of_it() -> None:
    start = [Sample(finished, finished / 10, 1000 * finished) for finished in (50, 100, 150)]
    later = [Sample(finished, 20 + finished / 5, 150_000 + 3 * finished) for finished in (200, 250, 300, 350, 400)]
    first, second = halves(start + later)
    assert first == [*start, later[0]]
    assert second == later
    assert bytes_per_stack(second) == pytest.approx(3)
    assert seconds_per_stack(start) == pytest.approx(0.1)
    assert seconds_per_stack(second) == pytest.approx(0.2)


def test_a_bar_says_how_far_it_is() -> None:
    bar = Bar("resume", 12.0, 10, "s")
    assert (bar.ratio, bar.is_met) == (1.2, False)
    assert str(bar) == "resume: 12 s, 1.20 of the 10 allowed (NOT met)"


@pytest.mark.slow
def test_a_small_plan_is_measured(tmp_path: Path) -> None:
    bars, details = measure_plan(tmp_path, cells=500)
    assert details["cells"] == 820
    assert all(bar.value > 0 for bar in bars)
