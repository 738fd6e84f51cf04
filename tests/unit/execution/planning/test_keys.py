"""Keys: stable over time, blind to where and how a unit runs, sensitive to everything that bears on its result."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from panda_ray.execution.units.canonical import canonical, canonical_json, digest
from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.cells import list_cells, list_similarities
from panda_ray.execution.units.graph import Graph
from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.sweep import Sweep
from panda_ray.tasks import get_task
from panda_ray.training.config import TrainConfig

GOLDEN = Path(__file__).parents[3] / "golden_keys.json"

UNIT = Unit(
    product="prompt",
    method="panda",
    method_version=1,
    backbone=BackboneRef("bert-base", "hub:bert@0"),
    data=DataRef("rte", "f" * 64, 1, max_train_rows=10),
    seed=11,
    sources=("mnli",),
    config=TrainConfig(lr=1e-3, batch_size=16, epochs=10),
    options={"kd_weight": 0.05, "clamp": False},
    dependencies={"teacher": ("a" * 64,)},
)


def golden_units() -> dict[str, Unit]:
    """One unit per method and metric, under Table I and every default, on a small and on a large task."""
    sweep = Sweep.model_validate(
        {
            "name": "golden",
            "storage": "memory://",
            "backbones": ["bert-base"],
            "sources": ["mnli", ["mnli", "qnli"]],
            "targets": ["rte", "conll04", "stsb"],
            "methods": ["prompt_tuning", "pot", "panda", "spot", "sesom", "houlsby"],
            "metrics": ["task_embedding", "e_avg", "on", "logme", "knn", "h_score"],
        }
    )
    tasks = (*sweep.source_tasks, *sweep.targets)
    data = {name: DataRef(name, digest(name), get_task(name).template_version) for name in tasks}
    catalog = Catalog({"bert-base": BackboneRef("bert-base", "hub:bert@0")}, data, {}, ())
    graph = Graph(sweep, catalog)
    list_cells(sweep, graph, catalog)
    list_similarities(sweep, graph, catalog)
    return {unit.title: unit for unit in graph.units.values()}


def test_golden_keys_have_not_drifted() -> None:
    found = {title: unit.key for title, unit in golden_units().items()}
    golden = json.loads(GOLDEN.read_text())
    drifted = sorted(title for title in {*found, *golden} if found.get(title) != golden.get(title))
    assert not drifted, (
        f"the keys of {drifted} changed: every stored result of this kind would be computed anew. If numbers changed, "
        "raise the method's (or metric's) version or KEY_FORMAT; then write the new keys to tests/golden_keys.json"
    )


def test_key_is_the_hash_of_the_identity_in_the_record() -> None:
    for unit in [*golden_units().values(), UNIT]:
        assert unit.key == digest(json.loads(json.dumps(unit.identity)))


@pytest.mark.parametrize(
    "changed",
    [
        replace(UNIT, seed=12),
        replace(UNIT, sources=("qnli",)),
        replace(UNIT, sources=("mnli", "qnli")),
        replace(UNIT, sources=()),
        replace(UNIT, method_version=2),
        replace(UNIT, product="embedding"),
        replace(UNIT, options={"kd_weight": 0.05, "clamp": True}),
        replace(UNIT, options={"kd_weight": 0.05, "clamp": 0}),
        replace(UNIT, config=replace(UNIT.config, dropout=0.0)),
        replace(UNIT, config=None),
        replace(UNIT, data=replace(UNIT.data, fingerprint="0" * 64)),
        replace(UNIT, data=replace(UNIT.data, template_version=2)),
        replace(UNIT, backbone=replace(UNIT.backbone, identity="hub:bert@1")),
        replace(UNIT, dependencies={"teacher": ("b" * 64,)}),
        replace(UNIT, dependencies={"teacher": ("a" * 64, "b" * 64)}),
        replace(UNIT, dependencies={"source_prompt": ("a" * 64,)}),
        replace(UNIT, dependencies={}),
    ],
)
def test_key_changes_with_what_bears_on_the_result(changed: Unit) -> None:
    assert changed.key != UNIT.key


def test_key_is_blind_to_row_limits_because_the_fingerprint_covers_them() -> None:
    assert replace(UNIT, data=replace(UNIT.data, max_train_rows=None)).key == UNIT.key


def test_key_is_blind_to_the_order_of_options() -> None:
    assert replace(UNIT, options=dict(reversed(UNIT.options.items()))).key == UNIT.key


@pytest.mark.parametrize("value", [{1, 2}, object(), Path("x"), b"x", {1: 2}])
def test_values_without_a_stable_form_have_no_key(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_have_no_key(value: float) -> None:
    with pytest.raises(ValueError, match="no canonical form"):
        canonical(value)


def test_equal_numbers_have_one_form() -> None:
    assert canonical_json({"b": 1.0, "a": [0.1, True]}) == '{"a":[0.1,true],"b":1}'
