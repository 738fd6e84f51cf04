"""Sources that a metric chooses: which ones, when, and what a plan, a status and a second run say of them."""

from __future__ import annotations

from pathlib import Path

from panda_ray.choosing.choice_places import unchosen
from panda_ray.execution.store.store import Store
from panda_ray.usecases.plan import plan_sweep
from panda_ray.usecases.searching.searches import known_plan
from panda_ray.usecases.simulate import simulate_sweep
from panda_ray.usecases.status import status_of
from support.sweeps.chosen import CHOOSES, choosing_sweep, chosen_by, fresh_plan, run_invented

SIMILAR = {
    ("review", "remark", 1): 0.9,  # the best of one seed, and the third of all
    ("rating", "remark", 1): 0.6,
    ("rating", "remark", 2): 0.6,
    ("paraphrase", "remark", 1): 0.5,
    ("paraphrase", "remark", 2): 0.6,
    ("kinds", "kinds", 1): 1.0,  # a task is no source for itself
    ("kinds", "kinds", 2): 1.0,
    ("rating", "kinds", 1): 0.1,
}
CHOSEN = {
    ("remark", 1): ["paraphrase", "rating"],
    ("remark", 2): ["paraphrase", "rating"],
    ("kinds", 1): ["review", "rating"],
    ("kinds", 2): ["review", "rating"],
}
"""Cells are in the order of the sweep file, and of equals the first source is taken."""


def test_all_seeds_have_the_sources_that_are_most_similar_on_average_and_keys_of_the_whole_grid(
    tmp_path: Path,
) -> None:
    sweep = choosing_sweep(tmp_path)
    begun = fresh_plan(sweep)
    assert {cell.method for cell in begun.cells} == {"prompt_tuning"}
    summary = run_invented(sweep, SIMILAR)
    assert summary.complete
    assert chosen_by(summary.plan) == CHOSEN
    whole = fresh_plan(choosing_sweep(tmp_path, methods=["prompt_tuning", "pot"], metrics=["logme"]))
    keys = {(cell.method, cell.sources, cell.target, cell.seed): cell.key for cell in whole.cells}
    assert all(
        cell.key == keys[cell.method, cell.sources, cell.target, cell.seed]
        for cell in (*summary.plan.cells, *summary.plan.candidates)
    )
    assert len(summary.plan.candidates) == 2 * (4 + 3)
    trained = {key for key, unit in summary.plan.units.items() if unit.method == "pot"}
    assert trained == {cell.key for cell in summary.plan.cells if cell.method == "pot"}


def test_a_later_run_chooses_from_the_store_alone_and_trains_nothing_twice(tmp_path: Path) -> None:
    sweep = choosing_sweep(tmp_path)
    first = run_invented(sweep, SIMILAR)
    again = run_invented(sweep, {})
    assert not again.new
    assert (chosen_by(again.plan), again.done) == (CHOSEN, first.done)
    more = run_invented(choosing_sweep(tmp_path, methods=[{**CHOOSES, "sources": {"top": 3, "by": "logme"}}]), {})
    added = [more.plan.units[key] for key in more.new]
    assert {(unit.sources, unit.task) for unit in added} == {(("review",), "remark"), (("paraphrase",), "kinds")}


def test_a_method_that_mixes_sources_has_one_cell_of_each_seed_with_all_that_are_chosen(tmp_path: Path) -> None:
    sweep = choosing_sweep(tmp_path, methods=[{"method": "spot", "sources": {"top": 2, "by": "logme"}}])
    outlook = plan_sweep(sweep)
    choices = outlook.choices
    assert choices is not None
    assert outlook.seconds_of_all is None, "there is nothing to save"
    share = choices.shares["spot"]
    assert (share.pairs, share.of, share.unchosen, choices.fewest, choices.most) == (4, 7, 2, 4, 4)
    summary = run_invented(sweep, SIMILAR)
    assert summary.complete
    found = {(cell.target, cell.seed): list(cell.sources) for cell in summary.plan.cells}
    assert found == CHOSEN, "in the order of the sweep file, whichever is the most similar"
    assert len([unit for unit in summary.plan.units.values() if unit.method == "spot"]) == 4
    listed = choosing_sweep(tmp_path, methods=["spot"], sources=[["paraphrase", "rating"]], targets=["remark"])
    keys = {cell.key for cell in fresh_plan(listed).cells}
    assert keys == {cell.key for cell in summary.plan.cells if cell.target == "remark"}, "as if the file listed them"


def test_nothing_is_chosen_of_similarities_that_are_not_complete(tmp_path: Path) -> None:
    sweep = choosing_sweep(tmp_path)
    summary = run_invented(sweep, SIMILAR, failing=["kinds"])
    assert not summary.complete
    assert chosen_by(summary.plan) == {place: sources for place, sources in CHOSEN.items() if place[0] == "kinds"}, (
        "of a target that the failed pair is not of"
    )
    assert [place.target for place in unchosen(summary.plan)] == ["remark"]
    status = status_of(sweep)
    assert (status.unchosen, status.complete) == (1, False)
    assert status.counts["done"] == len(status.cells), "all that has cells is done"
    mended = run_invented(sweep, SIMILAR)
    assert mended.complete
    assert chosen_by(mended.plan) == CHOSEN
    assert status_of(sweep).complete


def test_two_methods_choose_by_metrics_of_their_own_and_share_what_both_want(tmp_path: Path) -> None:
    first = {**CHOOSES, "label": "by-logme"}
    other = {"method": "pot", "label": "any", "sources": {"top": 1, "by": "constant"}}
    plan = run_invented(choosing_sweep(tmp_path, methods=[first, other]), SIMILAR).plan
    assert chosen_by(plan, "by-logme") == CHOSEN
    assert chosen_by(plan, "any") == {place: ["review"] for place in CHOSEN}
    shared = {cell.key for cell in plan.cells if cell.method == "any" and cell.target == "kinds"}
    assert shared <= {cell.key for cell in plan.cells if cell.method == "by-logme"}


def test_plan_counts_what_will_be_trained_whatever_is_chosen(tmp_path: Path) -> None:
    sweep = choosing_sweep(tmp_path)
    outlook = plan_sweep(sweep)
    assert outlook.choices is not None
    share = outlook.choices.shares["pot"]
    assert (share.pairs, share.of, share.unchosen) == (4, 7, 2)
    assert (outlook.choices.fewest, outlook.choices.most) == (8, 8)
    assert outlook.stages["pot"].total() == 8
    assert outlook.seconds_of_all is not None
    whole = plan_sweep(choosing_sweep(tmp_path, methods=["prompt_tuning", "pot"]))
    assert outlook.seconds_of_all == whole.ahead.seconds

    run_invented(choosing_sweep(tmp_path, sources=["review", "paraphrase"], methods=["pot"], seeds=[1]), {})
    partly = plan_sweep(sweep).choices
    assert partly is not None
    assert (partly.fewest, partly.most) == (4, 7), "kinds has one source of which nothing is done, remark has two"

    run_invented(sweep, SIMILAR)
    after = plan_sweep(sweep)
    assert after.choices is not None
    assert (after.choices.shares["pot"].unchosen, after.choices.most, len(after.plan.stacks)) == (0, 0, 0)
    assert chosen_by(known_plan(sweep, Store(sweep.storage))[0]) == CHOSEN


def test_a_simulated_run_trains_no_pair_before_its_metric_is_known(tmp_path: Path) -> None:
    forecast = simulate_sweep(choosing_sweep(tmp_path), [4])
    ((_, simulation),) = forecast.runs
    judged = {unit.task: one.end for one in simulation.ran for unit in one.stack.members if unit.method == "logme"}
    started = {unit.task: one.start for one in simulation.ran for unit in one.stack.members if unit.method == "pot"}
    assert judged.keys() == started.keys() == {"remark", "kinds"}
    assert all(started[task] >= judged[task] for task in started)
    trained = [unit.key for one in simulation.ran for unit in one.stack.members]
    assert sorted(trained) == sorted(forecast.plan.units)
