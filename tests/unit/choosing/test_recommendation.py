"""Sources for a task: their order, what predicts their gains, and what is said where that cannot be."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest

from panda_ray.choosing.calibration import calibrated
from panda_ray.choosing.shipped_evidence import FILE, shipped_evidence
from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.usecases.choosing.recommendation import recommend
from panda_ray.usecases.shared_prompts.prompt_places import BUILTIN, read_place
from support.processes.command_line import run_here
from support.sweeps.chosen import SOURCES, choosing_sweep, fresh_plan, run_invented
from support.sweeps.small_sweeps import SMALL, run_inline, small_sweep

TARGETS = ["remark", "duplicate", "choice", "lookup", "bulletin"]


def of_targets(folder: Path, targets: list[str] = TARGETS) -> Sweep:
    tasks = dict.fromkeys([*SOURCES, *TARGETS], SMALL)
    return choosing_sweep(folder, targets=targets, methods=["prompt_tuning", "pot"], metrics=["logme"], tasks=tasks)


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Four of five targets are finished; of the fifth only the metric is known."""
    folder = tmp_path_factory.mktemp("store")
    places = enumerate((source, target) for source in SOURCES for target in TARGETS)
    similar = {(*pair, seed): (n * 7 % 20) / 20 + seed / 100 for n, pair in places for seed in (1, 2)}
    run_invented(of_targets(folder, TARGETS[1:]), similar)
    run_invented(
        of_targets(folder).model_copy(update={"targets": ["remark"], "methods": of_targets(folder).methods[:1]}),
        similar,
    )
    return of_targets(folder)


def test_other_targets_predict_the_gains_and_the_task_itself_does_not(invented: Sweep) -> None:
    found = recommend(invented, "remark")
    store, plan = Store(invented.storage), fresh_plan(invented)
    score = {
        (cell.method, *cell.sources, cell.target, cell.seed): store.known(cell.key)["score"]
        for cell in plan.cells
        if cell.key in plan.done
    }
    assert {target: list(pairs) for target, pairs in found.evidence.items()} == dict.fromkeys(TARGETS[1:], SOURCES)
    for target, pairs in found.evidence.items():
        for source, (_, gain) in pairs.items():
            seeds = [score["pot", source, target, s] - score["prompt_tuning", target, s] for s in (1, 2)]
            assert gain == pytest.approx(statistics.fmean(seeds))
    calibration = calibrated(found.evidence)
    assert found.calibration == calibration
    assert calibration is not None
    similar = {each.source: each.similarity for each in found.sources}
    assert list(similar) == sorted(SOURCES, key=lambda source: -similar[source])
    assert {each.source: each.predicted for each in found.sources} == calibration.predicted(similar)
    assert {each.measured for each in found.sources} == {None}
    assert found.covered is not None
    assert found.covered[1] == 16
    measured = recommend(invented, "lookup")
    assert "lookup" not in measured.evidence
    assert all(each.measured is not None for each in measured.sources)


def test_prompts_are_enough_for_a_task_that_the_sweep_does_not_know(tmp_path: Path) -> None:
    trained = small_sweep(tmp_path, methods=["prompt_tuning"], metrics=[], seeds=[1], training={"epochs": 1})
    run_inline(trained.model_copy(update={"targets": ["review"]}))
    some = recommend(trained, "duplicate")
    assert ([each.source for each in some.sources], some.untrained) == (["review"], ("kinds",))
    run_inline(trained.model_copy(update={"targets": ["kinds"]}))
    before = Store(trained.storage).done_keys()
    found = recommend(trained, "duplicate")
    assert {each.source for each in found.sources} == {"review", "kinds"}
    assert (found.calibration, found.covered, found.untrained) == (None, None, ())
    assert {each.predicted for each in found.sources} == {None}
    store = Store(trained.storage)
    assert {store.known(key)["method"] for key in store.done_keys() - before} == {"logme"}, "nothing was trained"
    assert recommend(trained, "duplicate") == found


def test_the_command_leads_with_a_verdict_and_has_all_of_it_as_json(invented: Sweep, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(json.dumps(invented.as_written()))
    found = recommend(invented, "remark")
    first = found.sources[0]
    said = run_here(tmp_path, "recommend", "--task", "remark", "--prompts", str(path))
    assert said.out.startswith(f"remark on builtin-tiny: start from {first.source}, which logme ranks first; predicted")
    assert f"{first.predicted.gain:+.1f} points, 90 % interval [" in said.out  # type: ignore[union-attr]
    as_json = run_here(tmp_path, "recommend", "--task", "remark", "--prompts", str(path), "--json").json
    assert [each["source"] for each in as_json["sources"]] == [each.source for each in found.sources]
    assert as_json["covered"] == {"held": found.covered[0], "of": 16}  # type: ignore[index]


def test_what_cannot_be_ranked_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no prompt of a source of sweep 'small' yet, so nothing can be ranked"):
        recommend(small_sweep(tmp_path), "remark")
    with pytest.raises(InputError, match="'e_avg' needs a training on the new task; use one that judges pairs"):
        recommend(small_sweep(tmp_path), "remark", "e_avg")
    with pytest.raises(InputError, match="unknown task 'remarks'; did you mean 'remark'"):
        recommend(small_sweep(tmp_path), "remarks")


def test_the_prompts_of_the_package_come_with_what_predicts_their_gains(tmp_path: Path) -> None:
    known = json.loads(FILE.read_text())
    assert known["prompts"] == sorted(Store(read_place(BUILTIN)).done_keys())
    own = load_sweep("quickstart", [f"storage={tmp_path}", "prompts=builtin", "targets=[remark]", "seeds=[11]"])
    found = recommend(own, "choice")
    assert (found.shipped, found.evidence.keys()) == (True, {"remark", "duplicate", "lookup", "bulletin"})
    similar = {each.source: each.similarity for each in found.sources}
    calibration = calibrated(found.evidence)
    assert calibration is not None
    assert {each.source: each.predicted for each in found.sources} == calibration.predicted(similar)


def test_other_prompts_are_not_spoken_of() -> None:
    known = json.loads(FILE.read_text())["prompts"]
    assert shipped_evidence("logme", known[:2])
    assert shipped_evidence("logme", [*known, "0" * 64]) == {}
    assert shipped_evidence("e_avg", known) == {}
