"""What a report says of sources that a metric chose: which ones, and what the choice cost where all are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from panda_ray.reports.findings import findings
from panda_ray.reports.html_page.render import render
from panda_ray.reports.numbers.analysis import Analysis, analyse
from panda_ray.reports.pages import section_of
from panda_ray.tracking.reading.study import SourceChoice, Study
from support.sweeps.studies import invented_study

TRAINED = {"cb": ("rte", "mrpc"), "stsb": ("cola", "rte"), "cola": ("rte", "cb"), "conll04": ("stsb", "cb")}


def chosen_study(known_targets: tuple[str, ...] = ("stsb",)) -> Study:
    """PoT is trained on two sources per target; of some targets, an earlier run has trained the others, too."""
    whole = invented_study(items=20)
    is_pot = (whole.cells["method"] == "pot") & (whole.cells["sources"] != whole.cells["target"])
    pairs = zip(whole.cells["sources"], whole.cells["target"], strict=True)
    is_trained = [source in TRAINED[target] for source, target in pairs]
    kept = (whole.cells["method"] == "prompt_tuning") | (is_pot & np.array(is_trained))
    keys = set(whole.cells.loc[kept, "key"])
    candidates = whole.cells[is_pot]
    in_log = candidates[candidates["key"].isin(keys) | candidates["target"].isin(known_targets)]
    return replace(
        whole,
        methods={"prompt_tuning": "prompt_tuning", "pot": "pot"},
        cells=whole.cells[kept],
        scores=whole.scores[whole.scores["key"].isin(keys)],
        examples={key: whole.examples[key] for key in keys},
        choices={"pot": SourceChoice(2, "task_embedding")},
        candidates=candidates,
        candidate_scores=whole.scores[whole.scores["key"].isin(set(in_log["key"]))],
    )


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse(chosen_study(), "bert-tiny", replicates=20)


def test_regret_is_measured_where_every_source_has_a_score_and_nowhere_else(analysis: Analysis) -> None:
    whole = analyse(invented_study(items=20), "bert-tiny", replicates=20)
    score = {(s, t): cell.mean for (label, s, t), cell in whole.grid.items() if label == "pot"}
    best = max(value for (source, target), value in score.items() if target == "stsb" and source != "stsb")
    kept = max(score[source, "stsb"] for source in TRAINED["stsb"])
    assert best > kept, "the study would show nothing else"
    by_target = {choice.target: choice for choice in analysis.choices}
    assert by_target["stsb"].regret == pytest.approx(100 * (best - kept) / best)
    assert by_target["stsb"].best == (max(TRAINED["stsb"], key=lambda source: score[source, "stsb"]), kept)
    assert {target for target, choice in by_target.items() if choice.regret is not None} == {"stsb"}
    assert {target: (choice.known, choice.candidates) for target, choice in by_target.items()} == {
        "cb": (2, 5),
        "stsb": (5, 5),
        "cola": (2, 5),
        "conll04": (2, 5),
    }
    ranking = analysis.rankings["task_embedding"]
    for target, sources in TRAINED.items():
        assert by_target[target].sources == tuple(sorted(sources, key=lambda s: -ranking[s, target]))


def test_one_missing_seed_of_one_source_leaves_the_regret_open() -> None:
    study = chosen_study()
    lost = study.candidate_scores.index[
        (study.candidate_scores["target"] == "stsb") & (study.candidate_scores["sources"] == "mrpc")
    ][0]
    study = replace(study, candidate_scores=study.candidate_scores.drop(index=lost))
    (choice,) = (choice for choice in analyse(study, "bert-tiny", replicates=20).choices if choice.target == "stsb")
    assert (choice.known, choice.regret) == (4, None)


def test_nothing_is_said_of_sources_that_were_not_trained(analysis: Analysis) -> None:
    assert not analysis.table.rows_of("oracle")
    assert [row.title for row in analysis.table.rows_of("top3")] == ["top-2 by task_embedding"]
    assert all(not any(quality.choosing.regret.values()) for quality in analysis.qualities)
    assert all(not quality.gain.by_target for quality in analysis.qualities)
    study = chosen_study()
    (said,) = (line for line in findings(study, [analysis]) if "was trained on" in line)
    regret = next(choice.regret for choice in analysis.choices if choice.target == "stsb")
    assert said == (
        "pot was trained on 8 of 20 pairs, those that task_embedding ranks highest; the best of them scores "
        f"{regret:.1f} % below the best of all (regret, mean over 1 target whose other sources have scores, too)."
    )
    assert "oracle" not in " ".join(findings(study, [analysis]))
    page = render(study, [section_of(analysis)], [])
    assert "Sources that a metric chose" in page
    assert "Sources that a metric chose" not in render(study, [section_of(replace(analysis, choices=()))], [])


def test_the_whole_row_of_another_entry_goes_before_chosen_sources() -> None:
    whole, chosen = invented_study(items=20), chosen_study()
    study = replace(
        whole,
        methods={"prompt_tuning": "prompt_tuning", "few": "pot", "pot": "pot"},
        choices={"few": SourceChoice(2, "task_embedding")},
        candidates=chosen.candidates.assign(method="few"),
        candidate_scores=chosen.candidate_scores.assign(method="few"),
    )
    found = analyse(study, "bert-tiny", replicates=20)
    assert found.pot == "pot"
    assert all(quality.choosing.regret[1] for quality in found.qualities)
