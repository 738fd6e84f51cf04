"""What a report says and draws of a search."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from panda_ray.reports import pages
from panda_ray.reports.build import write_report
from panda_ray.reports.numbers.searched.warm_starts import warm_start_gain
from panda_ray.search.trials import Address, StudyStanding, Trial, WarmPoint
from panda_ray.sweep.search_section import SearchSection
from panda_ray.tracking.reading.study import Study
from panda_ray.tracking.searched import Searched, SearchedStudy
from support.sweeps.studies import invented_study

SECTION = SearchSection.model_validate(
    {
        "space": {"lr": {"low": 1e-3, "high": 1e-1, "log": True}, "epochs": [5, 10], "options.kd_loss": ["kl", "ce"]},
        "trials": 6,
        "pruner": "halving",
    }
)
ADDRESS = Address("bert-tiny", "panda", ("cola",), "cb")
TRIALS = (
    Trial(0, {"lr": 0.0123456, "epochs": 5, "options.kd_loss": "kl"}, "done", 71.52),
    Trial(1, {"lr": 0.02, "epochs": 10, "options.kd_loss": "ce"}, "done", 70.0),
    Trial(2, {"lr": 0.1, "epochs": 5, "options.kd_loss": "ce"}, "pruned"),
    Trial(3, {"lr": 0.001, "epochs": 5, "options.kd_loss": "ce"}, "failed", error="NaN"),
)


def searched_study(*studies: SearchedStudy, protocol: str = "paper") -> Study:
    """With the cells of one study, so that the report has little else."""
    study = invented_study(items=30)
    cells, scores = (
        frame[(frame["method"] == "panda") & (frame["sources"] == "cola") & (frame["target"] == "cb")]
        for frame in (study.cells, study.scores)
    )
    only = replace(study, cells=cells, scores=scores, methods={"panda": "panda"}, metrics=(), protocol=protocol)
    return replace(only, similarity=study.similarity[:0], searched=Searched(SECTION, studies))


def one(trials: tuple[Trial, ...] = TRIALS, importances: dict[str, float] | None = None) -> SearchedStudy:
    return SearchedStudy(StudyStanding(ADDRESS, trials, wanted=6, ended="nothing new was proposed"), importances or {})


def page_of(study: Study, folder: Path) -> tuple[str, set[str]]:
    report = write_report(study, folder, replicates=20)
    return report.paths[0].read_text(encoding="utf-8"), {path.name for path in report.paths}


def row_of(page: str) -> list[str]:
    rows = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    (row,) = [row for row in rows if row[:3] == ["panda", "cola", "cb"] and len(row) == 10]
    return row


def test_the_chosen_point_stands_beside_its_score_over_seeds_and_what_became_of_the_others(tmp_path: Path) -> None:
    study = searched_study(one(importances={"lr": 0.8, "epochs": 0.2}))
    page, names = page_of(study, tmp_path)
    row = row_of(page)
    assert row[3:5] == ["lr 0.01235, epochs 5, options.kd_loss kl", "71.52"]
    assert re.fullmatch(r"\d\d\.\d ± \d+\.\d", row[5])
    assert row[6:] == ["4 of 6", "1", "1", "nothing new was proposed"]
    assert {f"search_panda_cola_cb_bert-tiny.{end}" for end in ("svg", "png")} <= names
    for text in ("History", "Importance (%)", "Parallel coordinates", "options.kd_loss", "71.5"):
        assert text in page


@pytest.mark.parametrize(
    ("protocol", "said"), [("paper", "It is the score that is reported"), ("honest", "which chose nothing")]
)
def test_a_report_says_whether_a_search_chose_by_what_is_reported(tmp_path: Path, protocol: str, said: str) -> None:
    page, _ = page_of(searched_study(one(), protocol=protocol), tmp_path)
    assert said in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            (70.0, 72.0, 60.0, 71.9, 72.0),
            "72.0 after 2 points; of those that the sampler proposed itself, number 3 was "
            "as good, so 1 point was saved",
        ),
        (
            (72.0, 70.0, 60.0, 71.9, 71.0),
            "72.0 after 1 point; none of the 3 that the sampler proposed itself was as "
            "good, so at least 3 points were saved",
        ),
        (
            (70.0, 72.0, 73.0, 60.0, 60.0),
            "72.0 after 2 points; of those that the sampler proposed itself, number 1 was "
            "as good, so no saving was shown",
        ),
        ((None, None, 73.0, 60.0, 60.0), "none of them has a value"),
    ],
)
def test_what_a_warm_start_saved(values: tuple[float | None, ...], said: str) -> None:
    gain = warm_start_gain(warm(values).standing)
    assert gain is not None
    assert gain.text.startswith(f"began with the best points of rte (0.31), wic (0.16){':' if values[1] else ';'} ")
    assert gain.text.endswith(said)


def test_a_report_says_what_a_warm_start_saved(tmp_path: Path) -> None:
    page, _ = page_of(searched_study(warm((72.0, 70.0, 60.0, 72.0, 71.0))), tmp_path)
    assert "Warm start: panda cola → cb began with the best points of rte (0.31), wic (0.16): 72.0 after" in page
    assert "so 1 point was saved." in page


def warm(values: tuple[float | None, ...]) -> SearchedStudy:
    """A study that began with two points; what they and its own gave."""
    points = [{"lr": 0.001 * number, "epochs": 5, "options.kd_loss": "kl"} for number in range(1, 6)]
    trials = tuple(
        Trial(number, point, "pruned" if value is None else "done", value)
        for number, (point, value) in enumerate(zip(points, values, strict=True))
    )
    began = (WarmPoint("rte", 0.314, points[0]), WarmPoint("wic", 0.159, points[1]))
    return SearchedStudy(StudyStanding(ADDRESS, trials, 5, warm=began), {})


def test_before_any_point_is_done_nothing_is_chosen(tmp_path: Path) -> None:
    page, names = page_of(searched_study(one(TRIALS[2:])), tmp_path)
    assert row_of(page)[3:5] == ["none yet", "–"]
    assert "search_panda_cola_cb_bert-tiny.svg" in names
    assert "too few points" in page
    assert 'class="findings"' not in page, "an empty box is left out"


def test_a_search_of_many_studies_has_figures_of_the_first_and_a_row_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_STUDIES", 2)
    many = [
        SearchedStudy(StudyStanding(Address("bert-tiny", "panda", (f"s{index}",), "cb"), TRIALS[:1], 6), {})
        for index in range(3)
    ]
    page, names = page_of(searched_study(*many), tmp_path)
    assert {name for name in names if name.startswith("search_")} == {
        f"search_panda_s{index}_cb_bert-tiny.{end}" for index in range(2) for end in ("svg", "png")
    }
    assert all(f'<td class="name">s{index}</td>' in page for index in range(3))
    assert "The first 2 studies have a figure." in page


def test_a_grid_says_nothing_of_a_search(tmp_path: Path) -> None:
    page, names = page_of(replace(searched_study(), searched=None), tmp_path)
    assert "What the search chose" not in page
    assert not [name for name in names if name.startswith("search_")]


def test_a_search_without_a_cell_yet_has_a_report(tmp_path: Path) -> None:
    study = searched_study(one())
    page, names = page_of(replace(study, cells=study.cells[:0], scores=study.scores[:0]), tmp_path)
    assert row_of(page)[4:6] == ["71.52", "–"]
    assert "search_panda_cola_cb_bert-tiny.svg" in names
