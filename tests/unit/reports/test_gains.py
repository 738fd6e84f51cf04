"""Mean gains and their intervals on grids with holes, against a computation that shares no code with the report."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
import pytest

from panda_ray.reports.figures.charts import mean_over_transfers
from panda_ray.reports.findings import findings
from panda_ray.reports.formatting import interval_text, signed
from panda_ray.reports.numbers.analysis import Analysis, analyse
from panda_ray.reports.numbers.averaging import cell_weights, grid_mean
from panda_ray.reports.numbers.comparison import compare_with_paper
from panda_ray.reports.numbers.frame import Aggregate
from panda_ray.reports.numbers.gains import method_gain, transfer_gains
from panda_ray.reports.numbers.statistics import Bootstrap
from panda_ray.reports.paper import PaperCell
from panda_ray.tasks.measures.scores import reduce
from panda_ray.tracking.reading.study import Study
from support.sweeps.studies import TARGETS, invented_study, unbalanced_study

REPLICATES = 100


@pytest.fixture(scope="module")
def study() -> Study:
    return unbalanced_study()


@pytest.fixture(scope="module")
def analysis(study: Study) -> Analysis:
    return analyse(study, "bert-tiny", REPLICATES)


def nested(frame: pd.DataFrame) -> float:
    """Mean over targets of the mean over sources of the mean over seeds."""
    by_transfer = frame.groupby(["target", "sources"])["gain"].mean()
    return float(by_transfer.groupby("target").mean().mean())


def compared(study: Study, method: str, reference: str = "prompt_tuning") -> pd.DataFrame:
    """One row per cell that both have; missing ones drop out of the join."""
    on = ["target", "seed"] if reference == "prompt_tuning" else ["target", "seed", "sources"]
    ours, theirs = (study.scores[study.scores["method"] == label] for label in (method, reference))
    frame = ours.merge(theirs[[*on, "score", "key"]], on=on, suffixes=("", "_reference"))
    return frame.assign(gain=frame["score"] - frame["score_reference"])


def by_hand(study: Study, frame: pd.DataFrame) -> tuple[float, float]:
    """The 95 % interval of `nested`, one replicate after the other, from the same random numbers."""
    draws = {
        target: np.random.default_rng([0, zlib.crc32(target.encode())]).integers(0, 40, (REPLICATES, 40), np.int32)
        for target in TARGETS
    }
    replicates = []
    for replicate in range(REPLICATES):
        samples = {target: drawn[replicate] for target, drawn in draws.items()}
        gains = [
            reduce(row.measure, study.examples[row.key].best_IM[samples[row.target]])
            - reduce(row.measure, study.examples[row.key_reference].best_IM[samples[row.target]])
            for row in frame.itertuples()
        ]
        replicates.append(nested(frame.assign(gain=gains)))
    low, high = np.quantile(replicates, [0.025, 0.975])
    return low, high


@pytest.mark.parametrize("method", ["pot", "panda"])
def test_mean_gain_on_a_grid_with_holes_and_its_interval_have_the_same_weights(
    study: Study, analysis: Analysis, method: str
) -> None:
    gain = next(gain for gain in analysis.gains if gain.method == method)
    frame = compared(study, method)
    assert gain.mean == pytest.approx(nested(frame))
    pooled = [frame["gain"].mean(), frame.groupby(["target", "sources"])["gain"].mean().mean()]
    assert all(abs(gain.mean - other) > 0.05 for other in pooled), "the fixture tells the definitions apart"
    assert gain.interval is not None
    assert gain.interval.estimate == pytest.approx(gain.mean)
    low, high = by_hand(study, frame)
    assert gain.interval.low == pytest.approx(low, abs=1e-3)
    assert gain.interval.high == pytest.approx(high, abs=1e-3)


def test_gain_over_pot_compares_transfer_with_transfer(study: Study, analysis: Analysis) -> None:
    frame = compared(study, "panda", "pot")
    assert analysis.over_pot is not None
    assert analysis.over_pot.mean == pytest.approx(nested(frame))
    assert analysis.over_pot.interval is not None
    assert analysis.over_pot.interval.estimate == pytest.approx(analysis.over_pot.mean)
    assert ("cola", "cola") not in {(transfer.sources, transfer.target) for transfer in analysis.over_pot.transfers}


def test_what_has_no_baseline_is_left_out_and_never_a_gain_over_zero(study: Study, analysis: Analysis) -> None:
    for gain in analysis.gains:
        assert set(gain.by_target) == {"cb", "stsb", "cola"}
        assert all(transfer.by_seed.keys() <= {12, 13} for transfer in gain.transfers if transfer.target == "stsb")
        assert all(abs(transfer.mean) < 40 for transfer in gain.transfers)


def test_gain_of_a_target_is_the_mean_over_its_sources(study: Study, analysis: Analysis) -> None:
    for gain in analysis.gains:
        frame = compared(study, gain.method)
        for target, found in gain.by_target.items():
            assert found.mean == pytest.approx(nested(frame[frame["target"] == target]))
            assert found.interval is not None
            assert found.interval.estimate == pytest.approx(found.mean)


def test_deviation_is_over_the_seeds_that_have_every_transfer(study: Study) -> None:
    whole = analyse(invented_study(items=20), "bert-tiny", 10).gains[0]
    frame = compared(invented_study(items=20), "pot")
    by_seed = [nested(rows) for _, rows in frame.groupby("seed")]
    assert whole.std == pytest.approx(np.std(by_seed, ddof=1))
    assert whole.seeds == (3, 3)
    partial = analyse(study, "bert-tiny", 10).gains[0]
    assert partial.std is None, "seed 12 alone has every transfer"
    assert partial.seeds == (1, 3)


def test_a_transfer_is_clearly_better_or_worse_by_its_own_interval_over_all_its_seeds(
    analysis: Analysis,
) -> None:
    for gain in analysis.gains:
        intervals = [transfer.interval for transfer in gain.transfers if transfer.interval]
        assert len(intervals) == len(gain.transfers)
        assert [interval.estimate for interval in intervals] == pytest.approx(
            [transfer.mean for transfer in gain.transfers]
        )
        assert gain.better == sum(interval.low > 0 for interval in intervals)
        assert gain.worse == sum(interval.high < 0 for interval in intervals)
    assert sum(gain.better for gain in analysis.gains) > 0


def test_findings_say_the_same_numbers(study: Study, analysis: Analysis) -> None:
    text = "\n".join(findings(study, [analysis]))
    for gain in analysis.gains:
        assert gain.interval is not None
        assert f"{gain.method} against prompt tuning: {signed(gain.mean)} points" in text
        assert f"and 1 to 3 seeds (95 % interval {interval_text(gain.interval)})" in text
        assert f"clearly worse on {gain.worse}, {gain.collapsed} collapsed; " in text
        assert f"from {signed(gain.worst.mean)} {interval_text(gain.worst.interval)}" in text


def test_a_transfer_collapses_more_than_10_points_below_prompt_tuning_in_its_mean_over_seeds() -> None:
    grid = {
        ("plain", "", "t"): Aggregate({1: 60.0, 2: 60.0}, {1: "p1", 2: "p2"}, 2),
        ("pot", "just", "t"): Aggregate({1: 50.0, 2: 50.0}, {1: "a1", 2: "a2"}, 2),
        ("pot", "one seed", "t"): Aggregate({1: 41.0, 2: 61.0}, {1: "b1", 2: "b2"}, 2),
        ("pot", "collapsed", "t"): Aggregate({1: 49.0, 2: 50.0}, {1: "c1", 2: "c2"}, 2),
    }
    bootstrap = Bootstrap({}, 10)
    gain = method_gain("pot", transfer_gains(grid, "plain", "pot", bootstrap), bootstrap)
    assert gain is not None
    assert gain.collapsed == 1


def test_bar_of_a_method_is_the_mean_over_its_sources() -> None:
    """A target whose transfers have different numbers of seeds: the bars differ by the gain beside them."""
    grid = {
        ("plain", "", "t"): Aggregate({1: 50.0, 2: 50.0}, {1: "p1", 2: "p2"}, 2),
        ("pot", "a", "t"): Aggregate({1: 60.0, 2: 62.0}, {1: "a1", 2: "a2"}, 2),
        ("pot", "b", "t"): Aggregate({1: 80.0}, {1: "b1"}, 2),
    }
    bootstrap = Bootstrap({}, 10)
    gain = method_gain("pot", transfer_gains(grid, "plain", "pot", bootstrap), bootstrap)
    assert gain is not None
    assert gain.mean == pytest.approx(20.5)
    assert mean_over_transfers(grid, "pot", "t") == (pytest.approx(70.5), None)
    assert mean_over_transfers(grid, "plain", "t") == (50.0, 0.0)
    assert mean_over_transfers(grid, "panda", "t") is None
    assert gain.interval is None, "no predictions, no interval"


def test_comparison_with_the_paper_weights_targets_alike() -> None:
    grid = {
        ("plain", "", "cb"): Aggregate({1: 50.0}, {}, 1),
        ("plain", "", "rte"): Aggregate({1: 50.0}, {}, 1),
        ("pot", "a", "cb"): Aggregate({1: 60.0}, {}, 1),
        ("pot", "b", "cb"): Aggregate({1: 60.0}, {}, 1),
        ("pot", "a", "rte"): Aggregate({1: 50.0}, {}, 1),
    }
    row = {"plain": "p_tuning_v2", "pot": "vanilla_pot"}
    printed = {(row[method], source, target): PaperCell(50.0, "") for method, source, target in grid}
    _, pot = compare_with_paper(grid, {"plain": "prompt_tuning", "pot": "pot"}, printed)
    assert pot.ours == pytest.approx(55.0)
    assert pot.gain == pytest.approx(5.0)


def test_weights_by_hand() -> None:
    cells = [("t", "a", 1), ("t", "a", 2), ("t", "b", 1), ("u", "a", 1)]
    assert cell_weights(cells) == {cells[0]: 1 / 8, cells[1]: 1 / 8, cells[2]: 1 / 4, cells[3]: 1 / 2}
    assert grid_mean(dict(zip(cells, (8.0, 16.0, 4.0, 2.0), strict=True))) == pytest.approx(1 + 2 + 1 + 1)
