"""Surveys of rows: read once, and again when anything that they depend on has changed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.tasks import get_task
from panda_ray.tasks.caching import stamp, survey
from panda_ray.tasks.caching.disk import cache_home
from panda_ray.tasks.extent import extent_of
from panda_ray.tasks.rows.loading import load_rows
from support.trained.task_data import rows_of, write_task

RTE = get_task("rte")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_task(tmp_path / "data", RTE, rows_of(RTE, 9), rows_of(RTE, 4)))


def not_read(*_: object) -> None:
    raise AssertionError("rows were read although they are known")


@pytest.mark.parametrize("name", ["rte", "copa", "conll04", "squad", "record", "review"])
def test_a_survey_is_what_reading_says_the_second_time_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = get_task(name)
    root = str(write_task(tmp_path / "data", spec, rows_of(spec, 20), rows_of(spec, 6))) if name != "review" else None
    rows = load_rows(spec, root, 8, 4)
    first = survey.survey(spec, root, 8, 4)
    assert (first.fingerprint, first.where) == (rows.fingerprint, rows.train_where)
    assert first.extent == extent_of(spec, rows.train, rows.dev)
    monkeypatch.setattr(survey, "load_rows", not_read)
    assert survey.survey(spec, root, 8, 4) == first


def test_other_rows_are_seen(data: str) -> None:
    before = survey.survey(RTE, data)
    write_task(Path(data), RTE, rows_of(RTE, 9)[::-1], rows_of(RTE, 4))
    after = survey.survey(RTE, data)
    assert after.fingerprint == load_rows(RTE, data).fingerprint != before.fingerprint


def test_limits_and_places_are_apart(data: str, tmp_path: Path) -> None:
    elsewhere = str(write_task(tmp_path / "other", RTE, rows_of(RTE, 8), rows_of(RTE, 4)))
    found = [survey.survey(RTE, *place) for place in ((data,), (data, 6), (data, None, 3), (elsewhere,))]
    assert len({each.fingerprint for each in found}) == 4
    assert [each.extent.train_rows for each in found] == [9, 6, 9, 8]


def test_rows_that_vanish_are_missed(data: str) -> None:
    survey.survey(RTE, data)
    Path(data, "rte", "train.parquet").unlink()
    with pytest.raises(InputError, match="does not exist"):
        survey.survey(RTE, data)


def test_changed_code_reads_again(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    survey.survey(RTE, data)
    monkeypatch.setattr(stamp, "code_stamp", lambda: "other code")
    monkeypatch.setattr(survey, "load_rows", not_read)
    with pytest.raises(AssertionError, match="were read"):
        survey.survey(RTE, data)


def test_tasks_whose_code_is_elsewhere_are_always_read(data: str) -> None:
    foreign = replace(RTE, first=lambda row: row["premise"].upper())
    assert not stamp.is_ours(foreign)
    survey.survey(foreign, data)
    assert not cache_home().exists()


def test_a_damaged_entry_is_read_again(data: str) -> None:
    before = survey.survey(RTE, data)
    (entry,) = (cache_home() / "rows").iterdir()
    entry.write_bytes(entry.read_bytes()[:-1])
    assert survey.survey(RTE, data) == before
    file = Path(data, "rte", "train.parquet")
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    assert survey.survey(RTE, data) == before
    assert len(list((cache_home() / "rows").iterdir())) == 2
