"""Plans: which cells, units and dependencies a sweep means, and how fast that is known."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.units.configs import resolve_config
from panda_ray.execution.units.recipes import MethodRecipe
from panda_ray.sweep import MethodSection
from panda_ray.tasks import get_task
from support.sweeps.small_sweeps import planned, small_sweep


def plan_of(tmp_path: Path, **changes: Any) -> Plan:
    return planned(small_sweep(tmp_path, **changes))[0]


def test_cells_are_the_product_that_the_sweep_names(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, targets=["remark", "duplicate"], seeds=[1, 2])
    cells = Counter((cell.method, cell.sources) for cell in plan.cells)
    assert cells == {
        ("prompt_tuning", ()): 4,
        **{(method, (source,)): 4 for method in ("pot", "panda") for source in ("review", "kinds")},
    }
    assert len({cell.key for cell in plan.cells}) == len(plan.cells)
    assert all(plan.role_of[cell.key] == "cell" for cell in plan.cells)


def test_units_come_after_what_they_depend_on(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert Counter(plan.role_of.values()) == {"cell": 5, "source": 2, "teacher": 2, "embedding": 3}
    seen: set[str] = set()
    for key in plan.units:
        assert seen.issuperset(plan.depends_on[key])
        seen.add(key)
    (panda,) = [unit for unit in plan.units.values() if unit.method == "panda" and unit.sources == ("review",)]
    needed = {role: [plan.units[key] for key in keys] for role, keys in panda.dependencies.items()}
    assert {role: [(unit.method, unit.sources, unit.task) for unit in units] for role, units in needed.items()} == {
        "teacher": [("teacher", ("review",), "remark")],
        "source_embedding": [("task_embedding", (), "review")],
        "target_embedding": [("task_embedding", (), "remark")],
    }


def test_a_task_that_is_source_and_target_is_trained_once(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, sources=["review", "kinds"], targets=["review"])
    prompts = [unit for unit in plan.units.values() if unit.method == "prompt_tuning"]
    assert sorted(unit.task for unit in prompts) == ["kinds", "review"]
    assert ("pot", ("review",)) in {(cell.method, cell.sources) for cell in plan.cells}


def test_self_pairs_can_be_left_out(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, sources=["review", "kinds"], targets=["review"], self_pairs="skip")
    assert {cell.sources for cell in plan.cells} == {(), ("kinds",)}
    assert {pair.source for pair in plan.similarities} == {"kinds"}


SEVERAL: dict[str, Any] = {
    "sources": ["review", ["review", "kinds", "paraphrase"], ["kinds", "review"]],
    "methods": ["prompt_tuning", "pot", "panda", "panda_fusion"],
}


def test_methods_take_single_sources_or_lists_of_them(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, **SEVERAL)
    assert [(cell.method, cell.sources) for cell in plan.cells] == [
        ("prompt_tuning", ()),
        ("pot", ("review",)),
        ("panda", ("review",)),
        ("panda_fusion", ("review", "kinds", "paraphrase")),
        ("panda_fusion", ("kinds", "review")),
    ]
    assert len({cell.key for cell in plan.cells}) == 5
    assert {pair.source for pair in plan.similarities} == {"review", "kinds", "paraphrase"}


def test_a_cell_of_several_sources_depends_on_what_their_pairs_share(tmp_path: Path) -> None:
    """One teacher, one prompt and one embedding per source, in the order of the list, and none of them twice."""
    plan = plan_of(tmp_path, **SEVERAL)
    by_sources = {cell.sources: plan.units[cell.key] for cell in plan.cells if cell.method == "panda_fusion"}
    (panda,) = [plan.units[cell.key] for cell in plan.cells if cell.method == "panda"]
    for sources, unit in by_sources.items():
        assert unit.sources == sources
        needed = {role: [plan.units[key] for key in keys] for role, keys in unit.dependencies.items()}
        assert [(each.method, each.sources) for each in needed["teacher"]] == [("teacher", (s,)) for s in sources]
        assert [each.task for each in needed["source_embedding"]] == list(sources)
        assert [each.task for each in needed["target_embedding"]] == ["remark"]
        assert plan.depends_on[unit.key] == unit.depends_on
    three = by_sources["review", "kinds", "paraphrase"]
    assert three.dependencies["teacher"][0] == panda.dependencies["teacher"][0]
    assert three.dependencies["teacher"][:2] == tuple(reversed(by_sources["kinds", "review"].dependencies["teacher"]))
    assert Counter(plan.role_of.values()) == {"cell": 5, "source": 3, "teacher": 3, "embedding": 4}


def test_a_list_that_holds_the_target_is_a_self_pair(tmp_path: Path) -> None:
    lists = {**SEVERAL, "sources": [["review", "kinds"], ["kinds", "paraphrase"]], "methods": ["panda_fusion"]}
    assert len(plan_of(tmp_path, **lists, targets=["review"]).cells) == 2
    skipped = plan_of(tmp_path, **lists, targets=["review"], self_pairs="skip")
    assert [cell.sources for cell in skipped.cells] == [("kinds", "paraphrase")]


def test_a_list_with_an_absent_task_is_left_out(tmp_path: Path) -> None:
    sources = [["review", "conll05"], ["review", "kinds"]]
    plan = plan_of(tmp_path, sources=sources, methods=["panda_fusion"])
    assert [cell.sources for cell in plan.cells] == [("review", "kinds")]
    assert [task for task, _ in plan.skipped] == ["conll05"]


def test_the_metric_that_a_method_asks_for_is_computed_even_if_not_listed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, metrics=["e_avg", "constant"])
    assert {pair.metric for pair in plan.similarities} == {"e_avg", "constant", "task_embedding"}
    assert {pair.source_key for pair in plan.similarities if pair.metric == "constant"} == {None}
    embedded = Counter(unit.method for unit in plan.units.values() if unit.product == "embedding")
    assert embedded == {"e_avg": 3, "task_embedding": 3}


FIFTY = {"metric": "task_embedding", "options": {"examples": 50}}
LISTS: tuple[list[Any], ...] = (
    [],
    ["task_embedding"],
    [FIFTY],
    [{**FIFTY, "label": "fifty"}, "task_embedding"],
    ["task_embedding", {**FIFTY, "label": "fifty"}],
    [{"metric": "task_embedding", "label": "ours"}, "constant", FIFTY],
    ["e_avg", "on", "constant"],
)


def cells_of(plan: Plan) -> list[tuple[str, tuple[str, ...], str]]:
    return [(cell.method, cell.sources, cell.key) for cell in plan.cells]


@pytest.mark.parametrize("metrics", LISTS, ids=str)
def test_no_cell_depends_on_what_is_listed_for_the_report(tmp_path: Path, metrics: list[Any]) -> None:
    methods = ["pot", "panda", panda("other", metric={"metric": "task_embedding", "options": {"seed": 3}})]
    expected = cells_of(plan_of(tmp_path, methods=methods, metrics=["task_embedding", "e_avg"]))
    plan = plan_of(tmp_path, methods=methods, metrics=metrics)
    assert cells_of(plan) == expected
    assert {plan.metrics[pair.metric].metric.name for pair in plan.similarities} >= {"task_embedding"}


def panda(label: str, **options: Any) -> dict[str, Any]:
    return {"method": "panda", "label": label, "options": options}


@pytest.mark.parametrize(
    "options",
    [
        {"kd_weight": 0.1},
        {"kd_loss": "kl"},
        {"teacher": "source"},
        {"teacher": "random"},
        {"clamp": True},
        {"metric": "e_avg"},
        {"metric": "on"},
        {"metric": "constant"},
        *(
            {"metric": {"metric": "task_embedding", "options": {name: value}}}
            for name, value in (
                ("examples", 50),
                ("feature", "pooler"),
                ("compare", "mean_of_cosines"),
                ("seed", 1),
            )
        ),
        {"preset": "official_code"},
        {"preset": "official_code", "beta": 0.2},
    ],
    ids=str,
)
def test_every_option_of_panda_and_of_its_metric_is_in_the_key(tmp_path: Path, options: dict[str, Any]) -> None:
    plan = plan_of(tmp_path, methods=["panda", panda("other", **options)])
    assert len({cell.key for cell in plan.cells}) == len(plan.cells)
    again = plan_of(tmp_path, methods=["panda", panda("other", **options)], metrics=[])
    assert cells_of(again) == cells_of(plan)


def test_presets_that_differ_in_an_option_have_keys_of_their_own(tmp_path: Path) -> None:
    methods = [panda("a", preset="official_code"), panda("b", preset="official_code", beta=1.0)]
    assert len({cell.key for cell in plan_of(tmp_path, methods=methods).cells}) == 4


def test_what_is_said_in_two_ways_has_one_key(tmp_path: Path) -> None:
    in_full = {"examples": 100, "feature": "last_hidden", "compare": "cosine_of_means", "seed": 0}
    ways = [
        "panda",
        panda("by name", metric="task_embedding"),
        panda("in part", metric={"metric": "task_embedding", "options": {"examples": 100}}, kd_weight=0.05),
        panda("in full", metric={"metric": "task_embedding", "options": in_full}, preset="paper"),
    ]
    plan = plan_of(tmp_path, methods=ways)
    assert len({cell.key for cell in plan.cells}) == 2
    assert Counter(unit.method for unit in plan.units.values() if unit.product == "embedding") == {"task_embedding": 3}


def test_metrics_that_only_methods_ask_for_have_labels_of_their_own(tmp_path: Path) -> None:
    methods = ["panda", panda("few", metric={"metric": "task_embedding", "options": {"examples": 200}})]
    assert list(plan_of(tmp_path, methods=methods, metrics=[]).metrics) == [
        "task_embedding",
        "task_embedding (examples=200)",
    ]
    plan = plan_of(tmp_path, methods=methods, metrics=[FIFTY, {**FIFTY, "label": "task_embedding (examples=200)"}])
    assert [(label, recipe.options["examples"]) for label, recipe in plan.metrics.items()] == [
        ("task_embedding", 50),
        ("task_embedding (examples=200)", 50),
        ("task_embedding (default options)", 100),
        ("task_embedding (examples=200) of a method", 200),
    ]


def test_the_released_codes_teacher_is_the_pot_run_of_the_pair(tmp_path: Path) -> None:
    official = panda("official", preset="official_code")
    with_pot = plan_of(tmp_path, methods=["pot", official])
    pot = {cell.sources: cell.key for cell in with_pot.cells if cell.method == "pot"}
    for cell in with_pot.cells:
        if cell.method == "official":
            assert with_pot.units[cell.key].dependencies == {"teacher": (pot[cell.sources],)}
    alone = plan_of(tmp_path, methods=[official], metrics=[])
    assert Counter(alone.role_of.values()) == {"cell": 2, "teacher": 2, "source": 2}
    assert {key for key, role in alone.role_of.items() if role == "teacher"} == set(pot.values())
    assert all(with_pot.role_of[key] == "cell" for key in pot.values())


@pytest.mark.parametrize(("tasks", "expected"), [({}, 7e-3), ({"cb": {"lr": 0.01}}, 0.01), ({"cb": {"lr": 0.5}}, 0.5)])
def test_the_released_code_trains_cb_with_its_own_learning_rate(
    tmp_path: Path, tasks: dict[str, Any], expected: float
) -> None:
    sweep = small_sweep(tmp_path, tasks=tasks)
    recipes = [MethodRecipe(section, sweep, ["cb", "rte"]) for section in official_and_paper()]
    assert recipes[0].configs["cb"].lr == expected
    assert recipes[1].configs["cb"].lr == tasks.get("cb", {"lr": 0.01})["lr"]
    assert recipes[0].configs["rte"] == recipes[1].configs["rte"]


def official_and_paper() -> list[MethodSection]:
    return [MethodSection(method="panda", options={"preset": preset}) for preset in ("official_code", "paper")]


def test_teachers_of_small_tasks_see_one_epoch_and_those_of_large_ones_a_thousand_steps(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, training={})
    teacher, pot = (MethodRecipe(MethodSection(method=name), sweep, ["rte", "squad"]) for name in ("teacher", "pot"))
    assert (teacher.configs["rte"].epochs, teacher.configs["rte"].max_steps) == (1, None)
    assert teacher.configs["squad"].max_steps == 1000
    assert teacher.configs["squad"].epochs == pot.configs["squad"].epochs == get_task("squad").hyperparameters.epochs
    assert pot.configs["squad"].max_steps is None


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({}, ("normal", 0.02)),
        ({"initialization": "normal"}, ("normal", 0.02)),
        ({"initialization": "standard_normal"}, ("normal", 1.0)),
        ({"initialization": "normal", "initialization_scale": 1}, ("normal", 1.0)),
        ({"initialization": "sparse"}, ("sparse", 0.01)),
        ({"initialization": "uniform"}, ("uniform", 0.035)),
        ({"initialization": "uniform", "initialization_scale": 0.5}, ("uniform", 0.5)),
    ],
)
def test_each_initialization_has_a_scale(tmp_path: Path, training: dict[str, Any], expected: tuple[str, float]) -> None:
    task = get_task("rte")
    config = resolve_config(small_sweep(tmp_path, training=training), task, task.hyperparameters).config
    assert (config.initialization, config.initialization_scale) == expected


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
    assert {cell.sources for cell in plan.cells} == {(), ("review",)}
    with pytest.raises(InputError, match=r"no cell left.*conll05"):
        plan_of(tmp_path, sources=["review"], targets=["conll05"])


def test_wrong_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"method 'panda', option 'kd_weigth'"):
        plan_of(tmp_path, methods=[{"method": "panda", "options": {"kd_weigth": 1}}])


def test_hyperparameters_come_from_the_task_then_the_sweep_then_the_sweeps_task(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, training={"epochs": 7}, tasks={"rte": {"lr": 0.5, "epochs": 2}})
    tasks = map(get_task, ("rte", "conll04"))
    rte, conll04 = (resolve_config(sweep, task, task.hyperparameters).config for task in tasks)
    assert (rte.lr, rte.epochs, rte.schedule) == (0.5, 2, "linear")
    assert rte.batch_size == get_task("rte").hyperparameters.batch_size
    assert (conll04.lr, conll04.epochs) == (get_task("conll04").hyperparameters.lr, 7)
    assert conll04.schedule == "exponential"


def test_where_things_are_stored_and_run_is_in_no_key(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "a")
    resources = {"cpus_per_stack": 2, "max_stack": 1, "checkpoint_seconds": 5, "activation_checkpointing": True}
    elsewhere = plan_of(tmp_path / "b", name="other", resources=resources, tracking_uri="sqlite:///x")
    assert list(plan.units) == list(elsewhere.units)


@pytest.mark.slow
def test_a_hundred_thousand_units_are_planned_in_seconds(tmp_path: Path) -> None:
    started = time.process_time()
    plan = plan_of(tmp_path, seeds=list(range(8400)))
    assert len(plan.units) > 100_000
    assert time.process_time() - started < 20


def test_variants_of_a_method_need_what_each_of_them_needs_alone(tmp_path: Path) -> None:
    """They share their dependencies in a plan only where they require the same."""
    variants = [
        {"method": "panda", "label": "light", "options": {"kd_weight": 0.01}},
        {"method": "panda", "label": "heavy", "options": {"kd_weight": 2.0}},
        {"method": "panda", "label": "by another metric", "options": {"metric": "e_avg"}},
        {"method": "panda", "label": "released", "options": {"preset": "official_code"}},
        {"method": "pot"},
    ]
    changes: dict[str, Any] = {"targets": ["remark", "duplicate"], "seeds": [1, 2]}
    alone = [plan_of(tmp_path, methods=[variant], **changes).units for variant in variants]
    together = plan_of(tmp_path, methods=variants, **changes).units
    assert together == {key: unit for units in alone for key, unit in units.items()}
    light, heavy = ([unit for unit in units.values() if unit.method == "panda"] for units in alone[:2])
    assert {unit.key for unit in light}.isdisjoint(unit.key for unit in heavy)
    shared = [
        together[one.key].dependencies is together[other.key].dependencies
        for one, other in zip(light, heavy, strict=True)
    ]
    assert all(shared), "made once: a plan may have a million of them"
