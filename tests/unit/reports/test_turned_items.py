from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from panda_ray.reports.numbers.analysis import analyse
from panda_ray.reports.numbers.turned_items import SHOWN
from panda_ray.tasks.measures.scores import of_items, statistics
from support.sweeps.studies import invented_study

RIGHTNESS = [
    ("accuracy", [1, 0], [1, 1], [1, 0]),
    ("matthews", [1, 0, 0], [1, 1, 0], [1, 0, 1]),
    ("f1", [1, 0, 0], [1, 1, 0], [1, 0, 1]),
    ("pearson_spearman_mean", [1.0, 3.5], [1.0, 3.0], [0, -0.5]),
    ("span_f1", [["B-A", "O", "B-B"], ["O"], ["B-A"]], [["B-A", "O", "O"], ["O"], ["O"]], [2 / 3, 1, 0]),
    ("squad_f1", ["red fox", "fox"], [{"answers": ["red fox"]}, {"answers": ["red fox"]}], [1, 2 / 3]),
]


@pytest.mark.parametrize(("measure", "said", "right", "wanted"), RIGHTNESS)
def test_how_right_an_item_is_has_its_own_number_under_every_measure(
    measure: str, said: list[object], right: list[object], wanted: list[float]
) -> None:
    assert of_items(measure, statistics(measure, said, right)) == pytest.approx(wanted)


@pytest.mark.parametrize("protocol", ["paper", "honest"])
def test_cases_are_the_items_that_change_most_over_the_seeds_and_that_the_score_counts(protocol: str) -> None:
    study = replace(invented_study(seeds=(11, 12), items=30), protocol=protocol)
    cases = analyse(study, "bert-tiny", 20).cases["pot", "rte", "cb"]
    of = {
        method: np.mean(
            [
                (study.examples[key].best_IM if protocol == "paper" else study.examples[key].honest_IM)[:, 0]
                for key in study.scores.query("method == @method and sources == @sources and target == 'cb'").key
            ],
            axis=0,
        )
        for method, sources in (("prompt_tuning", ""), ("pot", "rte"))
    }
    counted = [item for item in range(30) if protocol == "paper" or item % 2 == 1]
    change = {item: of["pot"][item] - of["prompt_tuning"][item] for item in counted}
    assert (len(cases.keys), cases.items) == (2, len(counted))
    assert cases.better == sum(each > 0 for each in change.values()) > 0
    assert cases.worse == sum(each < 0 for each in change.values()) > 0
    by_change = sorted(counted, key=lambda item: (-change[item], item))
    assert [case.item for case in cases.helped] == [item for item in by_change[:SHOWN] if change[item] > 0]
    for case in (*cases.helped, *cases.hurt):
        assert (case.before, case.after) == (of["prompt_tuning"][case.item], of["pot"][case.item])
    worst = sorted(counted, key=lambda item: (change[item], item))
    assert [case.item for case in cases.hurt] == [item for item in worst[:SHOWN] if change[item] < 0]


def test_transfers_whose_items_are_lost_have_no_cases() -> None:
    study = invented_study(seeds=(11,), items=30)
    assert analyse(replace(study, examples={}), "bert-tiny", 20).cases == {}
