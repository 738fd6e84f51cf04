"""Kept prompts as logged models of a real MLflow, with what they were made from."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel

from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep import TrackingSection
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.writing.experiment_page import NOTE
from support.sweeps.records import publish
from support.sweeps.tracked import filled, make_sweep, track


@pytest.fixture
def plan(storage: Path) -> Plan:
    """Every unit is in the store, and the sweep wants models."""
    store = Store(str(storage))
    sweep = make_sweep(storage, targets=["remark"], seeds=(11,))
    sweep = sweep.model_copy(update={"tracking": TrackingSection(models=True)})
    publish(build_plan(sweep, store), store)
    return build_plan(sweep, store)


def models_of(client: MlflowClient) -> dict[str, LoggedModel]:
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    found = list(client.search_logged_models([experiment.experiment_id]))
    models = {str(model.tags["key"]): model for model in found}
    assert len(found) == len(models), "one per prompt"
    return models


def test_each_kept_prompt_is_a_model_that_leads_from_student_to_teacher_to_source(storage: Path, plan: Plan) -> None:
    client = connect(track(plan, Store(str(storage))).tracking_uri)
    models = models_of(client)
    prompts = {key: unit for key, unit in plan.units.items() if unit.product == "prompt"}
    assert models.keys() == prompts.keys()
    for key, unit in prompts.items():
        model = models[key]
        assert model.status == "READY"
        run = client.get_run(str(model.source_run_id))
        assert run.data.tags["key"] == key
        assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
        needed = {models[needed].model_id for needed in unit.depends_on if needed in prompts}
        assert {each.model_id for each in run.inputs.model_inputs} == needed
        assert model.tags["prompt"] == f"runs:/{run.info.run_id}/prompt.safetensors"
        assert "prompt.safetensors" in {file.path for file in client.list_artifacts(run.info.run_id)}
    [student] = [models[key] for key, unit in prompts.items() if (unit.method, unit.sources) == ("panda", ("review",))]
    teacher = client.get_logged_model(student.tags["teacher"])
    source = client.get_logged_model(teacher.tags["source"])
    assert (source.tags["target"], "source" in source.tags, "teacher" in source.tags) == ("review", False, False)
    assert student.tags[NOTE] == (
        f"Teacher: [{teacher.name}](#/experiments/{teacher.experiment_id}/models/{teacher.model_id})"
    )


def test_models_are_logged_once_and_what_was_cut_short_is_made_anew(storage: Path, plan: Plan) -> None:
    store = Store(str(storage))
    client = connect(track(plan, store).tracking_uri)
    before = models_of(client)
    key, lost = next(iter(before.items()))
    client.create_logged_model(lost.experiment_id, "cut", lost.source_run_id, {"key": key}, None, "prompt")
    track(plan, store)
    assert {model.model_id for model in models_of(client).values()} == {model.model_id for model in before.values()}


def test_a_sweep_that_does_not_ask_for_models_has_none_until_it_does(storage: Path) -> None:
    plan, store = filled(storage)
    client = connect(track(plan, store).tracking_uri)
    assert models_of(client) == {}
    sweep = plan.sweep.model_copy(update={"tracking": TrackingSection(models=True)})
    asking = build_plan(sweep, store)
    assert asking.units.keys() == plan.units.keys()
    track(asking, store)
    assert len(models_of(client)) == sum(unit.product == "prompt" for unit in plan.units.values())
