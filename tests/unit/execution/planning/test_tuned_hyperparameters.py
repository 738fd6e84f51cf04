"""Hyper-parameters of single cells from a tuned file: what goes before what, and which trainings take them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.settings import Setting, settings_of, unused_choices
from panda_ray.execution.units.recipes import MethodRecipe
from panda_ray.execution.units.unit import Unit
from panda_ray.sweep import MethodSection, Sweep
from panda_ray.tasks import get_task
from support.sweeps.small_sweeps import planned, small_sweep

LEVELS = {"task": 0.01, "method": 0.007, "tuned": 0.3, "training": 0.4, "tasks": 0.5, "methods": 0.6}
"""Learning rates of PanDa on CB, from the level that goes last to the one that goes first."""

TINY = {"backbone": "builtin-tiny"}


def tuned(*chosen: dict[str, Any]) -> dict[str, Any]:
    return {"format": 1, "chosen": [TINY | each for each in chosen]}


def sweep_saying(folder: Path, *levels: str) -> Sweep:
    """PanDa whose learning rate on CB is said on these levels, and on no others."""
    preset = "official_code" if "method" in levels else "paper"
    chosen = {"method": "panda", "task": "cb", "training": {"lr": LEVELS["tuned"]}}
    own = {"lr": LEVELS["methods"]} if "methods" in levels else {}
    return small_sweep(
        folder,
        methods=[{"method": "panda", "options": {"preset": preset}, "training": own}],
        hyperparameters=tuned(chosen) if "tuned" in levels else None,
        training={"lr": LEVELS["training"]} if "training" in levels else {},
        tasks={"cb": {"lr": LEVELS["tasks"]}} if "tasks" in levels else {},
    )


def recipe_of(sweep: Sweep, task: str, sources: tuple[str, ...] = ("review",)) -> MethodRecipe:
    (section,) = sweep.methods
    return MethodRecipe(section, sweep, [task]).at("builtin-tiny", sources, task)


@pytest.mark.parametrize(("lower", "higher"), combinations(LEVELS, 2))
def test_of_two_levels_the_later_one_counts(tmp_path: Path, lower: str, higher: str) -> None:
    recipe = recipe_of(sweep_saying(tmp_path, lower, higher), "cb")
    assert (recipe.configs["cb"].lr, recipe.levels["cb"]["lr"]) == (LEVELS[higher], higher)


@pytest.mark.parametrize(
    ("chosen", "said", "expected", "level"),
    [
        ({}, {}, 0.05, None),
        ({"kd_weight": 0.3}, {}, 0.3, "tuned"),
        ({}, {"kd_weight": 0.4}, 0.4, "options"),
        ({"kd_weight": 0.3}, {"kd_weight": 0.4}, 0.4, "options"),
        ({"kd_weight": 0.3}, {"kd_weight": 0.05}, 0.05, "options"),
    ],
)
def test_of_two_levels_of_an_option_the_sweep_file_counts(
    tmp_path: Path, chosen: dict[str, Any], said: dict[str, Any], expected: float, level: str | None
) -> None:
    methods = [{"method": "panda", "options": said}]
    hyperparameters = tuned({"method": "panda", "task": "cb", "options": chosen})
    recipe = recipe_of(small_sweep(tmp_path, methods=methods, hyperparameters=hyperparameters), "cb")
    assert (recipe.options["kd_weight"], recipe.option_levels.get("kd_weight")) == (expected, level)


@pytest.mark.parametrize(
    ("chosen", "training", "expected"),
    [
        ({"dropout": 0.3}, {}, 0.3),
        ({"dropout": 0.3}, {"dropout": 0.1}, 0.1),
        ({"weight_decay": 0.3}, {}, 0.1),
    ],
)
def test_a_default_is_no_setting_but_the_same_value_in_the_file_is_one(
    tmp_path: Path, chosen: dict[str, Any], training: dict[str, Any], expected: float
) -> None:
    hyperparameters = tuned({"method": "panda", "task": "cb", "training": chosen})
    sweep = small_sweep(tmp_path, methods=["panda"], training=training, hyperparameters=hyperparameters)
    assert recipe_of(sweep, "cb").configs["cb"].dropout == expected


@pytest.mark.parametrize(
    ("chosen", "training", "expected"),
    [
        ({"initialization_scale": 0.5}, {}, ("normal", 0.5)),
        ({"initialization_scale": 0.5}, {"initialization": "uniform"}, ("uniform", 0.5)),
        ({"initialization_scale": 0.5}, {"initialization": "zeros"}, ("zeros", 1.0)),
        ({"initialization_scale": 0.5}, {"initialization": "standard_normal"}, ("normal", 1.0)),
        ({"initialization": "uniform", "initialization_scale": 0.5}, {}, ("uniform", 0.5)),
        ({"initialization": "uniform", "initialization_scale": 0.5}, {"initialization": "normal"}, ("normal", 0.02)),
        ({"initialization": "uniform"}, {"initialization_scale": 0.5}, ("uniform", 0.5)),
        ({"initialization": "zeros"}, {"initialization_scale": 0.5}, ("zeros", 1.0)),
    ],
)
def test_a_scale_belongs_to_the_initialization_that_it_was_given_with(
    tmp_path: Path, chosen: dict[str, Any], training: dict[str, Any], expected: tuple[str, float]
) -> None:
    hyperparameters = tuned({"method": "panda", "task": "cb", "training": chosen})
    sweep = small_sweep(tmp_path, methods=["panda"], training=training, hyperparameters=hyperparameters)
    config = recipe_of(sweep, "cb").configs["cb"]
    assert (config.initialization, config.initialization_scale) == expected


def plan_of(folder: Path, **changes: Any) -> Plan:
    training = {"prompt_len": 4, "batch_size": 16}
    return planned(small_sweep(folder, training=training, **changes))[0]


def rates(plan: Plan) -> dict[str, set[float]]:
    """Learning rates by method, sources and task."""
    found: dict[str, set[float]] = {}
    for unit in plan.units.values():
        if unit.config is not None:
            found.setdefault(f"{unit.method} {'+'.join((*unit.sources, unit.task))}", set()).add(unit.config.lr)
    return found


def test_an_entry_is_for_its_method_its_task_and_its_sources_and_the_named_sources_go_first(tmp_path: Path) -> None:
    chosen = [
        {"method": "pot", "task": "remark", "training": {"lr": 0.1}},
        {"method": "pot", "task": "remark", "sources": ["kinds"], "training": {"lr": 0.2}},
        {"method": "prompt_tuning", "task": "remark", "training": {"lr": 0.3}},
        {"backbone": "bert-tiny", "method": "panda", "task": "remark", "training": {"lr": 0.4}},
    ]
    plain, found = (rates(plan_of(tmp_path, **more)) for more in ({}, {"hyperparameters": tuned(*chosen)}))
    changed = {name: lr for name, lr in found.items() if lr != plain[name]}
    assert changed == {"pot review+remark": {0.1}, "pot kinds+remark": {0.2}, "prompt_tuning remark": {0.3}}


def test_an_entry_is_for_the_label_of_its_method(tmp_path: Path) -> None:
    methods = ["panda", {"method": "panda", "label": "panda-kl", "options": {"kd_loss": "kl"}}]
    chosen = {"method": "panda", "label": "panda-kl", "task": "remark", "training": {"lr": 0.1}}
    plan = plan_of(tmp_path, methods=methods, hyperparameters=tuned(chosen))
    by_label = {cell.method: unit_of(plan, cell.method) for cell in plan.cells}
    assert config_of(by_label["panda-kl"]).lr == 0.1
    assert config_of(by_label["panda"]).lr != 0.1


def unit_of(plan: Plan, label: str, sources: tuple[str, ...] | None = None) -> Unit:
    return next(plan.units[cell.key] for cell in plan.cells if cell.method == label and sources in (None, cell.sources))


def config_of(unit: Unit) -> Any:
    assert unit.config is not None
    return unit.config


def test_source_prompts_and_teachers_take_the_entries_of_their_own_methods(tmp_path: Path) -> None:
    chosen = [
        {"method": "prompt_tuning", "task": "review", "training": {"lr": 0.1}},
        {"method": "pot", "task": "remark", "sources": ["review"], "training": {"lr": 0.2}},
        {"method": "panda", "task": "remark", "training": {"lr": 0.3}},
    ]
    methods = ["panda", {"method": "panda", "label": "released", "options": {"preset": "official_code"}}]
    plan = plan_of(tmp_path, methods=methods, sources=["review"], hyperparameters=tuned(*chosen))
    role_and_rate = {
        (plan.role_of[key], plan.label_of[key], unit.task): config_of(unit).lr
        for key, unit in plan.units.items()
        if unit.config is not None
    }
    own = role_and_rate["cell", "released", "remark"]
    assert role_and_rate == {
        ("source", "prompt_tuning", "review"): 0.1,
        ("source", "prompt_tuning", "remark"): own,
        ("teacher", "teacher", "remark"): own,
        ("teacher", "pot", "remark"): 0.2,
        ("cell", "panda", "remark"): 0.3,
        ("cell", "released", "remark"): own,
    }


def test_a_methods_own_training_is_for_its_label_alone_and_sources_train_as_the_method_of_their_name(
    tmp_path: Path,
) -> None:
    methods = [
        {"method": "prompt_tuning", "training": {"lr": 0.1}},
        {"method": "prompt_tuning", "label": "zeros", "training": {"lr": 0.2, "initialization": "zeros"}},
        "pot",
    ]
    plan = plan_of(tmp_path, methods=methods, sources=["review"])
    cells = {cell.method: config_of(plan.units[cell.key]) for cell in plan.cells if cell.target == "remark"}
    (source,) = (unit.config for unit in plan.units.values() if unit.task == "review" and unit.config is not None)
    assert {label: (config.lr, config.initialization) for label, config in cells.items()} == {
        "prompt_tuning": (0.1, "normal"),
        "zeros": (0.2, "zeros"),
        "pot": (get_task("remark").hyperparameters.lr, "normal"),
    }
    assert (source.lr, source.initialization) == (0.1, "normal")
    levels = {(setting.method, setting.task): setting.values["lr"].level for setting in settings_of(plan)}
    assert levels["zeros", "remark"] == levels["prompt_tuning", "review"] == "methods"
    assert levels["pot", "remark"] == "task"


def test_options_that_an_entry_carries_decide_what_the_cell_depends_on(tmp_path: Path) -> None:
    chosen = {"method": "panda", "task": "remark", "sources": ["review"], "options": {"teacher": "source"}}
    plan = plan_of(tmp_path, methods=["panda"], hyperparameters=tuned(chosen))
    student, other = (unit_of(plan, "panda", (source,)) for source in ("review", "kinds"))
    assert "source_prompt" in student.dependencies
    assert "teacher" not in student.dependencies
    assert "teacher" in other.dependencies


def test_a_chosen_point_has_the_key_that_it_has_in_a_sweep_that_says_the_same(tmp_path: Path) -> None:
    said = {"lr": 0.03, "epochs": 5, "dropout": 0.2}
    measured = {"search": "s", "protocol": "paper", "score": 81.2, "sd": 1.3, "seeds": 3, "trials": 45}
    for method in ("prompt_tuning", "panda"):
        sources = ["kinds"] if method == "panda" else None
        options = {"kd_weight": 0.2} if method == "panda" else {}
        chosen = {"method": method, "task": "remark", "training": said, "options": options, "measured": measured}
        section = MethodSection(method=method, options=options)
        explicit = small_sweep(tmp_path, methods=[section], training=said)
        plain = small_sweep(tmp_path, methods=[section], training={})
        grid = planned(small_sweep(tmp_path, methods=[method], training={}, hyperparameters=tuned(chosen)))[0]
        found = unit_of(grid, method, tuple(sources or ()))
        needed = unit_of(planned(plain)[0], method, tuple(sources or ())).dependencies
        recipe = MethodRecipe(section, explicit, ["remark"])
        searched = recipe.first_unit(found.backbone, found.data).sibling(1, tuple(sources or ()), needed)
        assert found.key == searched.key


def test_an_entry_for_no_cell_of_the_sweep_changes_no_key(tmp_path: Path) -> None:
    chosen = {"method": "panda", "task": "duplicate", "training": {"lr": 0.1}}
    plain, found = plan_of(tmp_path), plan_of(tmp_path, hyperparameters=tuned(chosen))
    assert list(plain.units) == list(found.units)


def test_what_speaks_for_a_choice_is_in_no_key(tmp_path: Path) -> None:
    chosen = {"method": "pot", "task": "remark", "training": {"lr": 0.1}}
    plans = [
        plan_of(tmp_path, hyperparameters=tuned({**chosen, **more})) for more in ({}, {"measured": {"score": 81.2}})
    ]
    assert list(plans[0].units) == list(plans[1].units)


def test_options_that_no_method_takes_are_named_with_their_cell(tmp_path: Path) -> None:
    chosen = {"method": "panda", "task": "remark", "sources": ["review"], "options": {"kd_weigth": 1}}
    said = r"chosen for panda review -> remark on builtin-tiny, option 'kd_weigth'"
    with pytest.raises(InputError, match=said):
        plan_of(tmp_path, hyperparameters=tuned(chosen))


def test_settings_say_of_every_training_where_its_values_come_from(tmp_path: Path) -> None:
    chosen = [
        {
            "method": "panda",
            "sources": ["kinds"],
            "task": "remark",
            "training": {"lr": 0.1},
            "options": {"clamp": True},
        },
        {"method": "pot", "task": "elsewhere"},
    ]
    plan = plan_of(tmp_path, tasks={"remark": {"epochs": 2}}, hyperparameters=tuned(*chosen))
    settings = settings_of(plan)
    assert [setting.task for setting in settings] == ["review", "kinds", "remark", "remark", "remark", "remark"]
    (student,) = [setting for setting in settings if setting.is_tuned]
    assert (student.method, student.sources) == ("panda", ("kinds",))
    assert {name: value.level for name, value in student.values.items()} == {
        "lr": "tuned",
        "batch_size": "training",
        "epochs": "tasks",
        "schedule": "task",
        "prompt_len": "training",
        "options.clamp": "tuned",
    }
    assert (student.values["lr"].value, student.values["epochs"].value) == (0.1, 2)
    others = [setting for setting in settings if setting.task == "remark" and not setting.is_tuned]
    assert [setting.method for setting in others] == ["prompt_tuning", "pot", "panda"]
    assert all(level_of(setting, "lr") == "task" and setting.sources is None for setting in others)
    assert unused_choices(plan, settings) == 1


def level_of(setting: Setting, name: str) -> str:
    return setting.values[name].level
