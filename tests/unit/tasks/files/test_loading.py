"""Finding and limiting rows: folders of Parquet files, the Hub's cache, built-in tasks, sets that are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from panda_ray.errors import InputError
from panda_ray.tasks import get_task
from panda_ray.tasks.rows.hub import is_cached
from panda_ray.tasks.rows.loading import MissingData, load_rows
from panda_ray.tasks.rows.table import sample_numbers
from panda_ray.tasks.specs.builtin import BUILTIN_TASKS
from panda_ray.tasks.task import HubOrigin
from support.trained.task_data import rows_of, write_task

RTE = get_task("rte")


def numbered_rows(count: int) -> list[dict[str, Any]]:
    return [{"premise": f"p{index}", "hypothesis": "h", "label": index % 2} for index in range(count)]


def class_label_metadata(names: list[str]) -> dict[str, str]:
    """What `datasets` writes into a Parquet file's schema."""
    feature = {"label": {"names": names, "_type": "ClassLabel"}}
    return {"huggingface": json.dumps({"info": {"features": feature}})}


def test_rows_come_as_they_lie_in_the_files(tmp_path: Path) -> None:
    rows = numbered_rows(5)
    loaded = load_rows(RTE, str(write_task(tmp_path, RTE, rows, rows[:3])))
    assert (loaded.train, loaded.dev) == (rows, rows[:3])
    assert loaded.train_where == str(tmp_path / "rte" / "train.parquet")


def test_a_row_limit_is_a_seeded_sample_in_order(tmp_path: Path) -> None:
    root = str(write_task(tmp_path, RTE, numbered_rows(200), numbered_rows(50)))
    limited = load_rows(RTE, root, max_train_rows=40, max_dev_rows=20)
    numbers = [int(row["premise"][1:]) for row in limited.train]
    assert len(numbers) == 40
    assert numbers == sorted(numbers) != list(range(40))
    assert limited == load_rows(RTE, root, max_train_rows=40, max_dev_rows=20)
    assert len(limited.dev) == 20
    everything = load_rows(RTE, root)
    assert limited.fingerprint != everything.fingerprint
    assert everything == load_rows(RTE, root, max_train_rows=200, max_dev_rows=1000)


def test_the_sample_is_frozen() -> None:
    """A change of the drawn rows would change every key of a sweep with a row limit."""
    assert list(sample_numbers(100, 5)) == [5, 33, 49, 53, 97]


def test_the_fingerprint_is_frozen(tmp_path: Path) -> None:
    loaded = load_rows(RTE, str(write_task(tmp_path, RTE, numbered_rows(4), numbered_rows(2))))
    assert loaded.fingerprint == "fe3bb89982dc2073567dc74dc2fb8a2641559ae4b9b5ae96908af9468290ba3c"


def test_label_names_become_codes(tmp_path: Path) -> None:
    rows = [{**row, "label": RTE.labels[row["label"]]} for row in numbered_rows(4)]
    named = load_rows(RTE, str(write_task(tmp_path / "named", RTE, rows, rows)))
    coded = load_rows(RTE, str(write_task(tmp_path / "coded", RTE, numbered_rows(4), numbered_rows(4))))
    assert named.train == coded.train
    assert named.fingerprint == coded.fingerprint


def test_declared_label_names_must_agree(tmp_path: Path) -> None:
    rows = numbered_rows(4)
    agreeing = write_task(tmp_path / "a", RTE, rows, rows, class_label_metadata(["entailment", "not_entailment"]))
    assert load_rows(RTE, str(agreeing)).train == rows
    swapped = write_task(tmp_path / "b", RTE, rows, rows, class_label_metadata(["not_entailment", "entailment"]))
    with pytest.raises(InputError, match=r"train\.parquet: column 'label' declares the labels not_entailment, entail"):
        load_rows(RTE, str(swapped))


def test_a_task_without_files_is_missing_data(tmp_path: Path) -> None:
    write_task(tmp_path, RTE, numbered_rows(4), numbered_rows(4))
    with pytest.raises(MissingData, match=r"task 'cb': .*cb/train\.parquet does not exist"):
        load_rows(get_task("cb"), str(tmp_path))
    (tmp_path / "rte" / "train.parquet").unlink()
    with pytest.raises(MissingData, match=r"rte/train\.parquet does not exist"):
        load_rows(RTE, str(tmp_path))


@pytest.mark.parametrize("name", ["conll03", "conll05", "conll12", "ontonotes"])
def test_a_licensed_set_is_missing_data_that_says_who_has_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=f"task '{name}' is yours to bring .*(NIST|Linguistic Data Consortium)"):
        load_rows(get_task(name))
    with pytest.raises(MissingData, match=r"does not exist \(.*(NIST|Linguistic Data Consortium)"):
        load_rows(get_task(name), str(tmp_path))


def test_a_misspelt_data_root_is_no_missing_data(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data_root: .*nowhere is not a folder") as error:
        load_rows(RTE, str(tmp_path / "nowhere"))
    assert not isinstance(error.value, MissingData)


def test_a_file_that_is_not_parquet(tmp_path: Path) -> None:
    write_task(tmp_path, RTE, numbered_rows(4), numbered_rows(4))
    (tmp_path / "rte" / "validation.parquet").write_text("premise,hypothesis,label\n")
    with pytest.raises(InputError, match=r"validation\.parquet: not a Parquet file"):
        load_rows(RTE, str(tmp_path))


def test_built_in_tasks_need_no_data_root(tmp_path: Path) -> None:
    task = BUILTIN_TASKS[0]
    assert load_rows(task, None, 10, 10) == load_rows(task, str(tmp_path / "ignored"), 10, 10)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hub cache on a machine without network; returns the folder for a repository's snapshots."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def cached_snapshot(cache: Path, origin: HubOrigin) -> Path:
    """Where huggingface_hub keeps a pinned revision, or the commit that a named one pointed at."""
    repository = cache / f"datasets--{origin.repository.replace('/', '--')}"
    commit = origin.revision
    if "/" in commit:
        commit = "0" * 40
        (repository / "refs" / origin.revision).parent.mkdir(parents=True)
        (repository / "refs" / origin.revision).write_text(commit)
    return repository / "snapshots" / commit


def test_rows_of_a_pinned_revision_come_from_the_hub_cache(hub_cache: Path) -> None:
    assert isinstance(RTE.origin, HubOrigin)
    folder = cached_snapshot(hub_cache, RTE.origin) / "rte"
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(numbered_rows(6))
    pq.write_table(table.slice(0, 4), folder / "train-00000-of-00002.parquet")
    pq.write_table(table.slice(4), folder / "train-00001-of-00002.parquet")
    pq.write_table(table, folder / "validation-00000-of-00001.parquet")
    loaded = load_rows(RTE)
    assert loaded.train == loaded.dev == numbered_rows(6)
    assert loaded.train_where.endswith("train-00000-of-00002.parquet and 1 more")


def test_a_complete_cache_asks_no_server_and_an_incomplete_one_is_not_used(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A download that was cut off leaves some parts of a split; half of the rows would train without a word."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    asked: list[str] = []
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *_, **__: asked.append("info"))
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: asked.append("address"))
    assert isinstance(RTE.origin, HubOrigin)
    folder = cached_snapshot(hub_cache, RTE.origin) / "rte"
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(numbered_rows(6))
    for name in ("train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001"):
        pq.write_table(table, folder / f"{name}.parquet")
    assert is_cached(RTE.origin)
    assert len(load_rows(RTE).train) == 12
    assert asked == []
    (folder / "train-00001-of-00002.parquet").unlink()
    assert not is_cached(RTE.origin)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError):
        load_rows(RTE)


def test_the_hubs_form_of_a_task_is_adapted_in_a_local_folder_too(tmp_path: Path) -> None:
    task = get_task("conll04")
    rows = [{"tokens": ["in", "York"], "entities": [{"type": "Loc", "start": 1, "end": 2}], "id": 4}]
    root = str(write_task(tmp_path, task, rows, rows))
    assert load_rows(task, root).dev == [{"tokens": ["in", "York"], "ner_tags": [0, 1]}]
    write_task(tmp_path, task, rows, [{"tokens": ["in"], "spans": [0]}])
    with pytest.raises(InputError, match=r"validation\.parquet, row 0: has neither the columns of task 'conll04'"):
        load_rows(task, root)


def test_hub_rows_are_adapted_to_the_columns(hub_cache: Path, tmp_path: Path) -> None:
    task = get_task("conll04")
    assert isinstance(task.origin, HubOrigin)
    snapshot = cached_snapshot(hub_cache, task.origin)
    spans = [{"type": "Loc", "start": 1, "end": 3}]
    for split in ("train", "validation"):
        (snapshot / "default" / split).mkdir(parents=True)
        table = pa.Table.from_pylist([{"tokens": ["in", "New", "York"], "entities": spans}])
        pq.write_table(table, snapshot / "default" / split / "0000.parquet")
    from_hub = load_rows(task)
    assert from_hub.train == [{"tokens": ["in", "New", "York"], "ner_tags": [0, 1, 5]}]
    root = write_task(tmp_path / "local", task, from_hub.train, from_hub.dev)
    assert load_rows(task, str(root)).fingerprint == from_hub.fingerprint


def test_an_unreachable_hub_is_said_in_one_sentence(hub_cache: Path) -> None:
    with pytest.raises(InputError, match=r"task 'rte': aps/super_glue at revision 3de24cf8\w+ could not be fetched"):
        load_rows(RTE)


def test_a_repository_without_the_files_is_named(hub_cache: Path) -> None:
    assert isinstance(RTE.origin, HubOrigin)
    cached_snapshot(hub_cache, RTE.origin).mkdir(parents=True)
    with pytest.raises(InputError, match=r"has no rte/train-\*\.parquet"):
        load_rows(RTE)


def test_every_paper_task_loads_what_it_declares(tmp_path: Path) -> None:
    for name in ("cb", "copa", "record", "stsb", "squad", "conll12"):
        task = get_task(name)
        rows = rows_of(task, 12)
        assert load_rows(task, str(write_task(tmp_path, task, rows, rows))).train == rows
