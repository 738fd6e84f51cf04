"""The best source of each target: which one, how far ahead, and how it is said."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from panda_ray.cli.drawing.found import best_table, print_findings
from panda_ray.metrics import get_metric
from panda_ray.reports.findings import best_line, best_rows, best_sentence, findings, verdicts
from panda_ray.reports.formatting import interval_text, signed
from panda_ray.reports.numbers.analysis import Analysis, analyse
from panda_ray.reports.numbers.statistics import Interval
from panda_ray.reports.written_report import Report
from support.sweeps.studies import TARGETS, invented_study


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse(invented_study(items=40), "bert-tiny", replicates=50)


def test_it_is_the_other_task_with_the_highest_mean_and_the_lead_is_over_the_next(analysis: Analysis) -> None:
    assert [found.target for found in analysis.best] == list(analysis.targets)
    assert set(analysis.targets) == set(TARGETS)
    for found in analysis.best:
        gains = {
            (label, sources): cell.mean - analysis.grid["prompt_tuning", "", target].mean
            for (label, sources, target), cell in analysis.grid.items()
            if target == found.target and sources not in ("", target)
        }
        (first, most), (second, next_most), *_ = sorted(gains.items(), key=lambda item: -item[1])
        assert found.of == len(gains)
        assert ((found.best.method, found.best.sources), found.best.mean) == (first, pytest.approx(most))
        assert found.runner_up is not None
        assert (found.runner_up.method, found.runner_up.sources) == second
        assert found.lead is not None
        assert found.lead.mean == pytest.approx(most - next_most)
        assert found.lead.interval is not None
        assert found.lead.interval.estimate == pytest.approx(found.lead.mean)


def test_a_verdict_says_whether_it_helps_and_whether_it_is_clearly_ahead(analysis: Analysis) -> None:
    found = analysis.best[0]
    said = best_sentence(found)
    assert said.startswith(f"{found.target}: {found.best.sources} by {found.best.method}, +")
    assert found.lead is not None
    assert found.lead.interval is not None
    assert found.runner_up is not None
    clear = replace(found, lead=replace(found.lead, interval=replace(found.lead.interval, low=0.1)))
    vague = replace(found, lead=replace(found.lead, interval=replace(found.lead.interval, low=-0.1)))
    assert f", clearly ahead of {found.runner_up.sources} by {found.runner_up.method} (+" in best_sentence(clear)
    assert ", not clearly ahead of" in best_sentence(vague)
    assert "ahead" not in best_sentence(replace(found, runner_up=None, lead=None))
    worse = replace(found, best=replace(found.best, gain=replace(found.best.gain, mean=-2.0)))
    assert best_sentence(worse).startswith(f"{found.target}: no source helps; the best of {found.of}, ")


def test_a_small_table_has_a_row_per_target_and_fits_a_terminal(analysis: Analysis) -> None:
    rows = best_rows([analysis])
    assert [(row.target, row.source, row.method) for row in rows] == [
        (each.target, each.best.sources, each.best.method) for each in analysis.best
    ]
    line = best_line(rows)
    assert all(f"{row.target} {row.source} ({row.method} {row.gain})" in line for row in rows)
    first = analysis.best[0]
    assert first.best.interval is not None
    assert (rows[0].gain, rows[0].interval) == (signed(first.best.mean), interval_text(first.best.interval))
    assert rows[0].lead.startswith(f"{signed(first.lead.mean)} [")  # type: ignore[union-attr]
    assert best_rows([replace(analysis, best=(replace(first, lead=None),))])[0].lead == ""
    drawn = text_of(best_table(rows), 80)
    assert len(drawn.splitlines()) == len(rows) + 1
    assert all(
        line.startswith(row.target) and row.lead in line for row, line in zip(rows, drawn.splitlines()[1:], strict=True)
    )
    assert "backbone" not in drawn
    both = [*rows, *(row._replace(backbone="bert-base") for row in rows)]
    assert text_of(best_table(both), 100).splitlines()[-1].startswith("bert-base")
    assert f"{rows[0].target} on bert-base {rows[0].source}" in best_line(both)
    many = text_of(best_table(rows * 20), 80)
    assert (
        many.split()
        == f"The best source of each target, {20 * len(rows)} rows: panda-ray best, and the report.".split()
    )


def test_a_verdict_and_the_table_come_first(analysis: Analysis, capsys: pytest.CaptureFixture[str]) -> None:
    said = findings(invented_study(items=40), [analysis])
    print_findings(Report((), tuple(verdicts([analysis])), tuple(best_rows([analysis])), tuple(said)))
    first, head, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("In short, against prompt tuning")
    assert head.split()[:4] == ["target", "best", "source", "method"]
    assert others[len(analysis.best) :] == said


def text_of(table: RenderableType, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_the_findings_begin_with_which_methods_help_and_on_how_many_targets_a_source_does(
    analysis: Analysis,
) -> None:
    def verdict(low: float, high: float, best: tuple[float, float]) -> str:
        gain, first = analysis.gains[0], analysis.best[0]
        gain = replace(gain, total=replace(gain.total, interval=Interval(gain.mean, low, high)))
        at = replace(first.best, gain=replace(first.best.gain, interval=Interval(first.best.mean, *best)))
        changed = replace(analysis, gains=(gain,), best=(replace(first, best=at),))
        return verdicts([changed])[0]

    method, points = analysis.gains[0].method, signed(analysis.gains[0].mean)
    start = "In short, against prompt tuning and averaged over all pairs: "
    helps = verdict(0.1, 2.0, (0.5, 3.0))
    assert helps.startswith(f"{start}{method} helps ({points} points); ")
    assert helps.endswith("; the best source of a target helps clearly on 1 of 1 target.")
    assert f"{method} harms (" in verdict(-2.0, -0.1, (0.5, 3.0))
    unclear = verdict(-0.1, 0.1, (-0.5, 3.0))
    assert f"{method} makes no clear difference (" in unclear
    assert unclear.endswith("helps clearly on 0 of 1 target.")


def test_a_metric_is_named_in_words(analysis: Analysis) -> None:
    said = [line for line in findings(invented_study(items=40), [analysis]) if line.startswith("Similarity by")]
    assert any(line.startswith(f"Similarity by e_avg, {get_metric('e_avg').summary}: ") for line in said)
