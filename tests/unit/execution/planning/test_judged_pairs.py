"""Metrics that judge pairs, from the plan to the student's loss and the report's table."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from panda_ray.cli.wording.words import describe_unjudged
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.planning.unjudged import unjudged
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.similarity import embedding_of
from panda_ray.tracking.writing.similarity_table import Similarities
from support.sweeps.small_sweeps import run_inline, small_sweep

LOGME = {"method": "panda", "label": "by-logme", "options": {"metric": "logme", "kd_weight": 5.0}}
FUSED = {"method": "panda_fusion", "options": {"metric": "knn", "teacher": "source"}}
JUDGES = ["logme", "knn", "h_score", "leep", "nce", "first_epoch_pot"]
TRIED = {"method": "panda", "label": "by-trial", "options": {"metric": "first_epoch_pot"}}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Store]:
    folder = tmp_path_factory.mktemp("store")
    sweep = small_sweep(
        folder,
        sources=["review", "kinds", ["review", "kinds"]],
        methods=["pot", "panda", LOGME, TRIED, FUSED],
        metrics=["task_embedding", *JUDGES, "constant"],
        training={"epochs": 1, "prompt_len": 4, "batch_size": 16, "dropout": 0.0},
    )
    return run_inline(sweep), Store(str(folder))


def test_there_is_one_unit_per_pair_of_the_sources_prompt_on_the_targets_rows(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, metrics=["logme"], methods=["pot"], targets=["remark", "paraphrase"], seeds=[1, 2])
    plan = build_plan(sweep, Store(str(tmp_path)))
    judged = [unit for unit in plan.units.values() if unit.product == "embedding"]
    assert Counter((unit.sources, unit.task) for unit in judged) == dict.fromkeys(
        [((source,), target) for source in ("review", "kinds") for target in ("remark", "paraphrase")], 2
    )
    for unit in judged:
        (needed,) = unit.depends_on
        prompt = plan.units[needed]
        assert (prompt.method, prompt.task, prompt.seed) == ("prompt_tuning", *unit.sources, unit.seed)
    assert {pair.target_key for pair in plan.similarities} == {None}
    pairs = {(plan.units[pair.source_key].sources, plan.units[pair.source_key].task) for pair in plan.similarities}
    assert pairs == {((pair.source,), pair.target) for pair in plan.similarities}
    widths = Counter(len(stack.members) for stack in plan.stacks if stack.members[0].product == "embedding")
    assert widths == {4: 2}, "sources and seeds of a target pass together"


def test_a_metric_that_tries_a_pair_takes_the_teacher_of_panda_all_sources_of_a_target_in_one_stack(
    tmp_path: Path,
) -> None:
    targets = ["remark", "duplicate"]
    sweep = small_sweep(tmp_path, metrics=["first_epoch_pot"], methods=["panda", "pot"], targets=targets, seeds=[1, 2])
    plan = build_plan(sweep, Store(str(tmp_path)))
    teachers = {
        (cell.sources[0], cell.target, cell.seed): plan.units[cell.key].dependencies["teacher"]
        for cell in plan.cells
        if cell.method == "panda"
    }
    assert len(teachers) == 8
    for pair in plan.similarities:
        if pair.metric == "first_epoch_pot":
            tried = plan.units[pair.source_key]
            assert tried.depends_on == teachers[pair.source, pair.target, pair.seed]
            assert (tried.sources, tried.task) == ((pair.source,), pair.target)
    trained = {key for keys in teachers.values() for key in keys}
    assert Counter(len(stack.members) for stack in plan.stacks if set(stack.keys) & trained) == {4: 2}
    assert {plan.units[key].config.epochs for key in trained} == {1}
    alone = build_plan(small_sweep(tmp_path, metrics=["first_epoch_pot"], methods=["pot"]), Store(str(tmp_path)))
    assert [unit.method for unit in alone.units.values()].count("teacher") == 2, "it needs no PanDa"


def test_the_similarity_of_a_pair_that_was_tried_is_its_score(ran: tuple[Plan, Store]) -> None:
    plan, store = ran
    known = {pair.source: pair for pair in plan.similarities if pair.metric == "first_epoch_pot"}
    for cell in plan.cells:
        if cell.method == "by-trial":
            (teacher,) = plan.units[cell.key].dependencies["teacher"]
            score = store.known(teacher)["score"]
            assert score > 0
            assert store.known(cell.key)["similarities"] == [pytest.approx(score / 100)]
            assert plan.units[known[cell.sources[0]].source_key].depends_on == (teacher,)


def test_a_plan_says_which_metric_is_not_for_which_pairs(tmp_path: Path) -> None:
    sources, targets = ["review", "rating", "names"], ["remark", "bulletin", "likeness"]
    sweep = small_sweep(tmp_path, sources=sources, targets=targets, metrics=["logme", "leep", "nce"], methods=["pot"])
    [said] = unjudged(build_plan(sweep, Store(str(tmp_path))))
    assert (said.metrics, said.pairs, said.of, said.targets) == (("leep", "nce"), 7, 9, ("likeness",))
    text = describe_unjudged(said)
    assert text.startswith("leep and nce are 0 for 7 of 9 pairs: they judge sources whose head names labels")
    assert text.endswith("; of likeness they judge no source")
    alone = describe_unjudged(replace(said, metrics=("leep",)))
    assert alone.startswith("leep is 0 for 7 of 9 pairs: it judges")
    assert alone.endswith("; of likeness it judges no source")


def test_a_metric_of_prompts_needs_no_unit_more_for_it(tmp_path: Path) -> None:
    with_it, without = (
        build_plan(small_sweep(tmp_path, metrics=metrics), Store(str(tmp_path)))
        for metrics in (["task_embedding", "logme"], ["task_embedding"])
    )
    added = with_it.units.keys() - without.units.keys()
    assert {with_it.units[key].method for key in added} == {"logme"}
    assert without.units.keys() <= with_it.units.keys()


def test_the_similarity_of_a_pair_is_what_was_judged_and_weighs_the_student(ran: tuple[Plan, Store]) -> None:
    plan, store = ran
    for cell in plan.cells:
        unit = plan.units[cell.key]
        if cell.method in ("by-logme", "panda_fusion"):
            assert "target_embedding" not in unit.dependencies
            keys = unit.dependencies["source_embedding"]
            kept = [float(embedding_of(store.read_file(key, "embedding.npy"))[0]) for key in keys]
            assert [plan.units[key].sources for key in keys] == [(source,) for source in unit.sources]
            assert store.known(cell.key)["similarities"] == [pytest.approx(value) for value in kept]
            assert 0 < min(kept) <= max(kept) <= 1
    losses = {
        cell.method: store.known(cell.key)["history"][0]["loss"]
        for cell in plan.cells
        if cell.sources == ("review",) and cell.method in ("panda", "by-logme")
    }
    assert losses["panda"] != losses["by-logme"]


def test_the_report_gets_them_beside_those_of_prompts(ran: tuple[Plan, Store]) -> None:
    plan, store = ran
    frame = Similarities(plan, store).frame(set(plan.units))
    assert Counter(frame["metric"]) == dict.fromkeys(["task_embedding", *JUDGES, "constant"], 2)
    assert np.isfinite(frame["similarity"]).all()
    assert frame.loc[frame["metric"] == "logme", "similarity"].nunique() == 2


def test_a_stack_of_embeddings_is_estimated_by_each_of_its_metrics(ran: tuple[Plan, Store]) -> None:
    plan, store = ran
    costs = Costs.of(plan, (record for _, record in store.records()))
    units = [unit for unit in plan.units.values() if unit.product == "embedding" and unit.task == "remark"]
    alone = [costs.seconds(Stack((unit,))).seconds for unit in units]
    assert len({round(seconds, 9) for seconds in alone}) > 2
    assert costs.seconds(Stack(tuple(units))).seconds == pytest.approx(sum(alone))
