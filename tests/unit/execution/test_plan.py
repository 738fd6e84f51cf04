"""Plans: which cells, units and dependencies a sweep means, and how fast that is known."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.configs import resolve_config
from panda_ray.execution.plan import Plan
from panda_ray.tasks import get_task
from support.small_sweeps import planned, small_sweep


def plan_of(tmp_path: Path, **changes: Any) -> Plan:
    return planned(small_sweep(tmp_path, **changes))[0]


def test_cells_are_the_product_that_the_sweep_names(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, targets=["remark", "duplicate"], seeds=[1, 2])
    cells = Counter((cell.method, cell.source) for cell in plan.cells)
    assert cells == {
        ("prompt_tuning", None): 4,
        **{(method, source): 4 for method in ("pot", "panda") for source in ("review", "kinds")},
    }
    assert len({cell.key for cell in plan.cells}) == len(plan.cells)
    assert all(plan.role_of[cell.key] == "cell" for cell in plan.cells)


def test_units_come_after_what_they_depend_on(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert Counter(plan.role_of.values()) == {"cell": 5, "source": 2, "teacher": 2, "signature": 3}
    seen: set[str] = set()
    for key in plan.units:
        assert seen.issuperset(plan.depends_on[key])
        seen.add(key)
    (panda,) = [unit for unit in plan.units.values() if unit.method == "panda" and unit.source == "review"]
    needed = {role: plan.units[key] for role, key in panda.dependencies.items()}
    assert {role: (unit.method, unit.source, unit.task) for role, unit in needed.items()} == {
        "teacher": ("teacher", "review", "remark"),
        "source_signature": ("task_embedding", None, "review"),
        "target_signature": ("task_embedding", None, "remark"),
    }


def test_a_task_that_is_source_and_target_is_trained_once(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, sources=["review", "kinds"], targets=["review"])
    prompts = [unit for unit in plan.units.values() if unit.method == "prompt_tuning"]
    assert sorted(unit.task for unit in prompts) == ["kinds", "review"]
    assert ("pot", "review") in {(cell.method, cell.source) for cell in plan.cells}


def test_self_pairs_can_be_left_out(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, sources=["review", "kinds"], targets=["review"], self_pairs="skip")
    assert {cell.source for cell in plan.cells} == {None, "kinds"}
    assert {pair.source for pair in plan.similarities} == {"kinds"}


def test_the_metric_that_a_method_asks_for_is_computed_even_if_not_listed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, metrics=["e_avg", "constant"])
    assert {pair.metric for pair in plan.similarities} == {"e_avg", "constant", "task_embedding"}
    assert {pair.source_key for pair in plan.similarities if pair.metric == "constant"} == {None}
    signed = Counter(unit.method for unit in plan.units.values() if unit.kind == "signature")
    assert signed == {"e_avg": 3, "task_embedding": 3}


def test_options_of_a_listed_metric_reach_the_method_that_uses_it(tmp_path: Path) -> None:
    default = plan_of(tmp_path)
    other = plan_of(tmp_path, metrics=[{"metric": "task_embedding", "options": {"examples": 50}}])
    cells = {(cell.method, cell.source): cell.key for cell in default.cells}
    changed = {name for cell in other.cells if cells[name := (cell.method, cell.source)] != cell.key}
    assert changed == {("panda", "review"), ("panda", "kinds")}


def test_two_labels_of_one_method_are_two_cells(tmp_path: Path) -> None:
    methods = ["panda", {"method": "panda", "label": "panda_logits", "options": {"kd_loss": "mse_logit"}}]
    plan = plan_of(tmp_path, methods=methods)
    labels = {plan.label_of[cell.key] for cell in plan.cells}
    assert labels == {"panda", "panda_logits"}
    assert len({cell.key for cell in plan.cells}) == 4


def test_absent_tasks_are_left_out_with_the_reason(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, sources=["review", "conll05"])
    assert [task for task, _ in plan.skipped] == ["conll05"]
    assert "bring" in plan.skipped[0][1]
    assert {cell.source for cell in plan.cells} == {None, "review"}
    with pytest.raises(InputError, match=r"no cell left.*conll05"):
        plan_of(tmp_path, sources=["review"], targets=["conll05"])


def test_wrong_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"method 'panda', option 'kd_weigth'"):
        plan_of(tmp_path, methods=[{"method": "panda", "options": {"kd_weigth": 1}}])


def test_hyperparameters_come_from_the_task_then_the_sweep_then_the_sweeps_task(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, training={"epochs": 7}, tasks={"rte": {"lr": 0.5, "epochs": 2}})
    rte, conll04 = resolve_config(sweep, get_task("rte")), resolve_config(sweep, get_task("conll04"))
    assert (rte.lr, rte.epochs, rte.schedule) == (0.5, 2, "linear")
    assert rte.batch_size == get_task("rte").hyperparameters.batch_size
    assert (conll04.lr, conll04.epochs) == (get_task("conll04").hyperparameters.lr, 7)
    assert conll04.schedule == "exponential"


def test_where_things_are_stored_and_run_is_in_no_key(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "a")
    resources = {"cpus_per_stack": 2, "max_stack": 1, "checkpoint_seconds": 5}
    elsewhere = plan_of(tmp_path / "b", name="other", resources=resources, tracking_uri="sqlite:///x")
    assert list(plan.units) == list(elsewhere.units)


@pytest.mark.slow
def test_a_hundred_thousand_units_are_planned_in_seconds(tmp_path: Path) -> None:
    started = time.process_time()
    plan = plan_of(tmp_path, seeds=list(range(8400)))
    assert len(plan.units) > 100_000
    assert time.process_time() - started < 20
