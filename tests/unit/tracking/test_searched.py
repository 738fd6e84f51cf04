"""What a search has tried survives its way through MLflow, and says nothing private."""

from __future__ import annotations

import json

import pytest

from panda_ray.search.trials import Address, StudyStanding, Trial, WarmPoint
from panda_ray.sweep.search_section import SearchSection
from panda_ray.tracking.searched import Searched, SearchedStudy, joined

SECTION = SearchSection.model_validate(
    {
        "space": {"lr": {"low": 1e-3, "high": 1e-1, "log": True}, "options.kd_loss": ["kl", "ce"]},
        "trials": 4,
        "storage": "postgresql://optuna:sesame@db.example/studies",
    }
)
TRIALS = (
    Trial(0, {"lr": 0.01, "options.kd_loss": "kl"}, "done", 71.5),
    Trial(1, {"lr": 0.1, "options.kd_loss": "ce"}, "pruned"),
    Trial(3, {"lr": 0.02, "options.kd_loss": "ce"}, "failed", error="the loss became NaN"),
)


def study(backbone: str, *trials: Trial) -> SearchedStudy:
    address = Address(backbone, "panda", ("mnli",), "cb")
    warm = (WarmPoint("rte", 0.25, {"lr": 0.01, "options.kd_loss": "kl"}),)
    return SearchedStudy(StudyStanding(address, trials, 4, "nothing new", warm), {"lr": 0.75})


SEARCHED = Searched(SECTION, (study("bert-tiny", *TRIALS), study("bert-base")))


def test_each_backbone_has_its_part_and_all_parts_are_the_whole() -> None:
    parts = [Searched.from_json(SEARCHED.to_json(name), name) for name in ("bert-tiny", "bert-base")]
    whole = joined(parts)
    assert whole is not None
    assert whole.studies == SEARCHED.studies
    assert [part.studies for part in parts] == [SEARCHED.studies[:1], SEARCHED.studies[1:]]
    assert whole.section == SECTION.model_copy(update={"storage": None})


def test_nothing_says_where_the_studies_are() -> None:
    assert b"sesame" not in SEARCHED.to_json("bert-tiny")
    assert b"db.example" not in SEARCHED.to_json("bert-tiny")


def test_of_no_parts_there_is_no_search() -> None:
    assert joined([]) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", json.dumps({"search": {}, "studies": []}).encode()])
def test_what_is_no_search_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"no search|Expecting value"):
        Searched.from_json(content, "bert-tiny")
