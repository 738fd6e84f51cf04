"""The best source of each target: which one, how far ahead, and how it is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from panda_ray.reports.findings import best_sentence, headline
from panda_ray.reports.numbers.analysis import Analysis, analyse
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
    (line,) = (line for line in headline(invented_study(items=40), [analysis]) if line.startswith("Best source"))
    assert all(
        f"{each.target} {each.best.sources} ({each.best.method} +" in line for each in analysis.best if each.helps
    )
    (line,) = (
        line
        for line in headline(invented_study(items=40), [replace(analysis, best=(worse,))])
        if line.startswith("Best source")
    )
    assert line == f"Best source per target, by the reported scores: {found.target} none."
