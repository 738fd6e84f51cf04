"""Methods that train something else than a prefix, in a sweep: what is stored of each, exported, and in its key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PROMPT_FILE
from panda_ray.prompts.prompt import Prompt
from panda_ray.usecases.exporting.export import export_prompt
from support.sweeps.small_sweeps import planned, run_inline, small_sweep

METHODS = ["lester", "prefix_mlp", "model_tuning"]
ADAPTERS = {"lester": "PROMPT_TUNING", "prefix_mlp": "PREFIX_TUNING"}
SHORT = {"epochs": 1, "prompt_len": 4, "batch_size": 16}


def test_each_is_trained_and_keeps_its_prompt_but_all_weights_are_not_kept_and_not_exported(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path / "store", methods=METHODS, metrics=[], sources=["review"], training=SHORT)
    run_inline(sweep)
    found = {record["method"]: record for _, record in Store(sweep.storage).records()}
    assert found.keys() == {*METHODS}
    for method, peft_type in ADAPTERS.items():
        assert found[method]["files"].keys() == {"prompt.safetensors", "predictions.parquet"}
        export_prompt(sweep, found[method]["key"], tmp_path / method)
        config = json.loads((tmp_path / method / "adapter_config.json").read_text(encoding="utf-8"))
        assert (config["peft_type"], config["num_virtual_tokens"]) == (peft_type, 4)
    tuned = found["model_tuning"]
    assert tuned["files"].keys() == {"predictions.parquet"}
    assert tuned["identity"]["config"]["lr"] == 2e-5
    assert found["prefix_mlp"]["identity"]["config"]["lr"] == 1e-2
    assert found["lester"]["identity"]["config"]["lr"] == 6e-2, "the task's own"
    assert 0 <= tuned["score"] <= 100
    with pytest.raises(InputError, match="model_tuning keeps scores and predictions alone"):
        export_prompt(sweep, tuned["key"], tmp_path / "tuned")
    alone = sweep.model_copy(update={"methods": sweep.methods[2:]})
    with pytest.raises(InputError, match="no finished training of 'remark' of sweep 'small' that keeps a prompt"):
        export_prompt(alone, None, tmp_path / "best", best="remark")


def test_prompts_hyper_parameters_are_no_part_of_the_key_of_model_tuning(tmp_path: Path) -> None:
    def keys(**changes: object) -> dict[str, str]:
        plan, _ = planned(small_sweep(tmp_path, methods=METHODS, metrics=[], training={**SHORT, **changes}))
        return {unit.method: unit.key for unit in plan.units.values() if unit.task == "remark"}

    before = keys()
    for change in ({"prompt_len": 5}, {"position_offset": False}, {"initialization": "zeros"}):
        changed = {method for method, key in keys(**change).items() if key != before[method]}
        assert "model_tuning" not in changed
        assert "prefix_mlp" in changed
    assert "model_tuning" in {method for method, key in keys(epochs=2).items() if key != before[method]}


def test_what_sources_and_teachers_trained_reaches_students_of_any_kind_and_mixtures(tmp_path: Path) -> None:
    """Each input is named in the record of whoever read it, by the key of a unit that its own method trained."""
    students = [{"method": "panda", "label": name, "options": {"student": name}} for name in ("lester", "houlsby")]
    sweep = small_sweep(
        tmp_path / "store",
        methods=[*students, "sesom", "spot"],
        metrics=[],
        sources=["review", ["review", "kinds"]],
        training=SHORT,
    )
    run_inline(sweep)
    found = {key: record for key, record in Store(sweep.storage).records() if "method" in record}

    def read_by(record: dict[str, Any], role: str) -> list[dict[str, Any]]:
        return [found[each["key"]] for each in record["inputs"][role]]

    for record in found.values():
        options = record["identity"]["options"]
        if record["method"] == "panda":
            (teacher,) = read_by(record, "teacher")
            assert teacher["identity"]["options"] == {"student": options["student"]}
            (source,) = read_by(teacher, "source_prompt")
            assert (source["method"], source["target"]) == (options["student"], "review")
    (sesom,) = [record for record in found.values() if record["method"] == "sesom"]
    assert [teacher["sources"] for teacher in read_by(sesom, "teacher")] == [["review"], ["kinds"]]
    (spot,) = [record for record in found.values() if record["method"] == "spot"]
    assert [source["target"] for source in read_by(spot, "source_prompt")] == ["review", "kinds"]
    assert len([record for record in found.values() if record["method"] == "panda"]) == 2


def test_a_vector_is_what_a_source_learned_since_the_start_that_it_really_had(tmp_path: Path) -> None:
    """Nothing is learned at this rate, so a target starts like one without sources, however wide the sources' start."""
    wide = {"method": "prompt_tuning", "training": {"initialization_scale": 0.5}}
    narrow = {"method": "prompt_tuning", "label": "narrow", "training": {"initialization_scale": 0.02}}
    sweep = small_sweep(
        tmp_path / "store",
        methods=[wide, narrow, "task_prompt_vectors"],
        metrics=[],
        sources=[["review", "kinds"]],
        training={**SHORT, "lr": 1e-9},
    )
    plan, store = run_inline(sweep), Store(sweep.storage)

    def trained(label: str, task: str) -> Tensor:
        (key,) = [key for key, unit in plan.units.items() if plan.label_of[key] == label and unit.task == task]
        return Prompt.from_bytes(store.read_file(key, PROMPT_FILE)).prefix_LKNPH

    assert float(trained("prompt_tuning", "kinds").std()) == pytest.approx(0.5, rel=0.1)
    torch.testing.assert_close(
        trained("task_prompt_vectors", "remark"), trained("narrow", "remark"), rtol=0.0, atol=1e-5
    )
