from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.tracking.identity import IDENTITY, check_plans, sweep_identity
from panda_ray.tracking.writing.provenance import provenance
from support.sweeps.small_sweeps import small_sweep

BACKBONE = "builtin-tiny"
CHOSEN = {"backbone": BACKBONE, "method": "pot", "task": "remark", "training": {"lr": 0.1}}
TUNED = {"format": 1, "chosen": [CHOSEN]}


def refusal(ran: Sweep, asked: Sweep) -> str | None:
    try:
        check_plans({BACKBONE: {IDENTITY: sweep_identity(ran, BACKBONE)}}, asked, "sqlite://")
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "change",
    [
        {"sources": ["review"]},
        {"targets": ["remark", "paraphrase"]},
        {"methods": ["prompt_tuning", "pot"]},
        {"metrics": []},
        {"seeds": [1, 2]},
        {"protocol": "honest"},
        {"self_pairs": "skip"},
        {"data_root": "elsewhere"},
        {"training": {"lr": 0.5}},
        {"tasks": {}},
        {"hyperparameters": TUNED},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_sweep_with_other_cells_is_refused_by_the_name_of_the_field(tmp_path: Path, change: dict[str, Any]) -> None:
    refused = refusal(small_sweep(tmp_path), small_sweep(tmp_path, **change))
    assert refused is not None
    assert f"with another {next(iter(change))} for" in refused


def test_another_model_under_the_backbones_name_is_refused(tmp_path: Path) -> None:
    other = small_sweep(tmp_path, backbones=[{"name": BACKBONE, "path": "elsewhere"}])
    assert "backbones" in (refusal(small_sweep(tmp_path), other) or "")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"sources": ["kinds", "review"]},
        {"resources": {"max_stack": 3}},
        {"prices": {"gpu_hour": 2.0}},
        {"tracking": {"models": True}},
        {"tracking_uri": "http://elsewhere.invalid"},
        {"backbones": [BACKBONE, "bert-tiny"]},
    ],
    ids=str,
)
def test_where_and_how_a_sweep_runs_is_not_what_it_is(tmp_path: Path, change: dict[str, Any]) -> None:
    ran, asked = small_sweep(tmp_path / "a", **change), small_sweep(tmp_path / "b")
    assert refusal(ran, asked) is None


def test_what_a_tuned_file_has_for_others_and_what_speaks_for_it_is_not_what_a_sweep_is(tmp_path: Path) -> None:
    other = {**CHOSEN, "task": "duplicate"}
    ran = small_sweep(tmp_path, hyperparameters={"format": 1, "chosen": [CHOSEN, other]})
    measured = {**CHOSEN, "measured": {"score": 81.2}}
    chosen = [other, measured, {**CHOSEN, "backbone": "bert-tiny"}]
    assert refusal(ran, small_sweep(tmp_path, hyperparameters={"format": 1, "chosen": chosen})) is None
    changed = {**CHOSEN, "training": {"lr": 0.2}}
    asked = small_sweep(tmp_path, hyperparameters={"format": 1, "chosen": [other, changed]})
    assert "with another hyperparameters for" in (refusal(ran, asked) or "")


def test_another_space_is_another_sweep_and_another_place_of_its_studies_is_not(tmp_path: Path) -> None:
    space = {"space": {"lr": [0.1, 0.2]}, "sampler": "grid"}
    ran, moved, other = (
        small_sweep(tmp_path, search={**space, **more})
        for more in ({}, {"storage": "sqlite:///elsewhere.db"}, {"space": {"lr": [0.1, 0.3]}})
    )
    assert refusal(ran, moved) is None
    assert "with another search for" in (refusal(ran, other) or "")


def test_what_is_sent_to_mlflow_says_nothing_of_where_studies_are(tmp_path: Path) -> None:
    search = {"space": {"lr": [0.1, 0.2]}, "sampler": "grid", "storage": "postgresql://optuna:sesame@db.example/s"}
    said = str(provenance(small_sweep(tmp_path, search=search)))
    assert "'lr': [0.1, 0.2]" in said
    assert "sesame" not in said
    assert "db.example" not in said


def test_a_plan_says_nothing_about_folders(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, data_root=str(tmp_path), backbones=[{"name": BACKBONE, "path": str(tmp_path)}])
    assert str(tmp_path) not in str(sweep_identity(sweep, BACKBONE))


def test_a_backbone_that_was_never_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="knows no runs of backbone 'builtin-tiny'"):
        check_plans({}, small_sweep(tmp_path), "sqlite://")
