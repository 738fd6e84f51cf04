"""A store of trained prompts: filled by one sweep, listed, and taken from by another one that trains none of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.sweep_file import load_sweep
from panda_ray.usecases.choosing.recommendation import recommend
from panda_ray.usecases.plan import plan_sweep
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.runner import RunnerName, make_runner
from panda_ray.usecases.shared_prompts.kept import (
    kept_prompt,
    prompt_in,
    prompts_in,
    pull_prompts,
    push_prompts,
    remove_prompt,
)
from support.sweeps.small_sweeps import run_inline, small_sweep

SEEDS = {"seeds": [1, 2], "methods": ["prompt_tuning", "pot"], "metrics": []}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storage of a finished sweep: two sources with two seeds."""
    storage = tmp_path_factory.mktemp("trained")
    run_inline(small_sweep(storage, **SEEDS))
    return storage


@pytest.fixture(scope="module")
def filled(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What that sweep has pushed."""
    folder = tmp_path_factory.mktemp("shared")
    push_prompts(small_sweep(trained, **SEEDS), str(folder))
    return folder


@pytest.fixture
def shared(filled: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(filled, tmp_path / "shared"))


def test_source_prompts_are_pushed_once_and_nothing_that_was_transferred(trained: Path, shared: Path) -> None:
    found = prompts_in(str(shared))
    assert [(each.task, each.seed) for each in found] == [("kinds", 1), ("kinds", 2), ("review", 1), ("review", 2)]
    records = Store(str(trained)).records_of(each.key for each in found)
    for each in found:
        assert each.score == records[each.key]["score"]
        assert each.data == records[each.key]["identity"]["data"]["fingerprint"]
        assert each.size == sum(file["bytes"] for file in records[each.key]["files"].values())
        assert (each.method, each.backbone, each.prompt_len) == ("prompt_tuning", "builtin-tiny", 4)
        assert each.licence == "Apache-2.0, generated data"
    assert push_prompts(small_sweep(trained, **SEEDS), str(shared)) == []


@pytest.mark.parametrize(
    ("task", "licence"),
    [
        ("mnli", "that of nyu-mll/glue on the Hub"),
        (
            "conll05",
            "that of the data (PropBank over the Penn Treebank; the Linguistic Data Consortium distributes the text)",
        ),
        ("somebodys_task", "that of somebody's own data"),
    ],
)
def test_a_prompt_has_the_licence_of_its_rows(trained: Path, shared: Path, task: str, licence: str) -> None:
    key = prompts_in(str(shared))[0].key
    assert kept_prompt(key, Store(str(trained)).known(key) | {"target": task}).licence == licence


def test_a_copy_is_the_same_result(trained: Path, shared: Path) -> None:
    ours, theirs = Store(str(trained)), Store(str(shared))
    for each in prompts_in(str(shared)):
        record = ours.known(each.key)
        assert theirs.known(each.key) == record
        for name in record["files"]:
            assert theirs.read_file(each.key, name) == ours.read_file(each.key, name)


def test_another_sweep_takes_what_has_the_same_key_and_trains_the_rest(shared: Path, tmp_path: Path) -> None:
    changes = SEEDS | {"seeds": [1, 3]}
    sweep = small_sweep(tmp_path / "runs", **changes, prompts=str(shared))
    outlook = plan_sweep(sweep)
    taken = {each.key for each in prompts_in(str(shared)) if each.seed == 1}
    assert outlook.taken == taken
    assert outlook.counts["source prompts"] == {"total": 4, "done": 2, "to_run": 2, "blocked": 0}
    assert not (tmp_path / "runs").exists(), "a plan changes nothing"
    alone = plan_sweep(small_sweep(tmp_path / "runs", **changes))
    assert outlook.ahead.seconds < alone.ahead.seconds
    ended = run_sweep(sweep, make_runner(RunnerName.INLINE))
    assert ended.complete
    assert not taken & ended.summary.new
    assert taken < ended.summary.done
    units = ended.plan.units
    trained = [units[key] for key in ended.summary.new if not units[key].sources and units[key].task != "remark"]
    assert sorted((unit.task, unit.seed) for unit in trained) == [("kinds", 3), ("review", 3)]


def test_taken_prompts_give_the_numbers_of_trained_ones(trained: Path, shared: Path, tmp_path: Path) -> None:
    changes = SEEDS | {"seeds": [1, 2]}
    ended = run_sweep(small_sweep(tmp_path, **changes, prompts=str(shared)), make_runner(RunnerName.INLINE))
    scores = {key: Store(str(tmp_path)).known(key)["score"] for key in ended.summary.done}
    assert scores == {key: Store(str(trained)).known(key)["score"] for key in scores}


def test_sources_can_be_ranked_by_taken_prompts_alone(shared: Path, tmp_path: Path) -> None:
    ranked = recommend(small_sweep(tmp_path, **SEEDS, prompts=str(shared)), "duplicate")
    assert {each.source for each in ranked.sources} == {"review", "kinds"}


def test_pull_copies_the_named_or_all_and_no_copy_twice(shared: Path, tmp_path: Path) -> None:
    every = prompts_in(str(shared))
    storage = str(tmp_path / "pulled")
    assert pull_prompts(str(shared), storage, [every[1].key[:16]]) == [every[1]]
    assert {each.key for each in pull_prompts(str(shared), storage)} == {each.key for each in every} - {every[1].key}
    assert prompts_in(storage) == every


def test_a_damaged_prompt_is_not_taken_and_not_copied(shared: Path, tmp_path: Path) -> None:
    first, *others = prompts_in(str(shared))
    (file,) = (shared / "units" / first.key[:2] / first.key).glob("prompt.*.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert prompts_in(str(shared)) == others
    assert first.key not in plan_sweep(small_sweep(tmp_path, **SEEDS, prompts=str(shared))).taken


def test_one_prompt_is_found_by_how_its_key_begins(shared: Path) -> None:
    first = prompts_in(str(shared))[0]
    found, record = prompt_in(str(shared), first.key[:12])
    assert found == first
    assert record["key"] == first.key
    with pytest.raises(InputError, match="no prompt with a key that begins with 'nothing'; panda-ray prompts ls"):
        prompt_in(str(shared), "nothing")
    with pytest.raises(InputError, match="4 prompts with a key that begins with ''"):
        prompt_in(str(shared), "")


def test_a_prompt_is_removed_and_one_that_others_were_computed_from_stays(trained: Path, shared: Path) -> None:
    first, *others = prompts_in(str(shared))
    remove_prompt(str(shared), prompt_in(str(shared), first.key[:16])[0])
    assert prompts_in(str(shared)) == others
    assert not list((shared / "units" / first.key[:2] / first.key).glob("*")), "its files are gone, too"
    with pytest.raises(InputError, match=r"1 results were computed from the prompt of kinds"):
        remove_prompt(str(trained), first)
    assert Store(str(trained)).is_done(first.key)


def test_the_package_brings_every_source_prompt_of_the_quickstart(tmp_path: Path) -> None:
    changes = [f"storage={tmp_path}", "prompts=builtin"]
    outlook = plan_sweep(load_sweep("quickstart", changes))
    assert outlook.counts["source prompts"] == {"total": 27, "done": 27, "to_run": 0, "blocked": 0}, (
        "keys have changed: make builtin-prompts"
    )
    assert {each.key for each in prompts_in("builtin")} == outlook.taken
    assert len(recommend(load_sweep("quickstart", [*changes, "seeds=[11]"]), "bulletin").sources) == 9


def test_what_the_package_brings_is_never_written(trained: Path) -> None:
    stays = "come with the package and stay as they are"
    with pytest.raises(InputError, match=stays):
        push_prompts(small_sweep(trained, **SEEDS), "builtin")
    with pytest.raises(InputError, match=stays):
        pull_prompts(str(trained), "builtin")
    with pytest.raises(InputError, match=stays):
        remove_prompt("builtin", prompts_in("builtin")[0])


def test_what_cannot_be_meant_is_one_sentence(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown source 'kind'; did you mean 'kinds'"):
        push_prompts(small_sweep(trained, **SEEDS), str(tmp_path / "shared"), ["kind"])
    with pytest.raises(InputError, match="no finished source prompt of sweep 'small' yet"):
        push_prompts(small_sweep(tmp_path / "none", **SEEDS), str(tmp_path / "shared"))
    absent = small_sweep(tmp_path / "runs", **SEEDS, prompts=str(tmp_path / "absent"))
    with pytest.raises(InputError, match=r"no folder '.*absent' for prompts on this machine"):
        plan_sweep(absent)
    with pytest.raises(InputError, match=r"no folder '.*absent' for prompts on this machine"):
        run_sweep(absent, make_runner(RunnerName.INLINE))
