"""The source's own model answers for the target: which cells there are, and that nothing but one pass is done."""

from __future__ import annotations

import io
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from panda_ray.backbones import Geometry
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE, PROMPT_FILE
from panda_ray.methods import Inputs, get_method
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks import PAPER_SOURCES, PAPER_TARGETS, get_task
from panda_ray.training.config import TrainConfig
from support.sweeps.small_sweeps import SMALL, planned, run_inline, small_sweep

METHOD = get_method("source_model")
SHORT = {"epochs": 2, "prompt_len": 4, "batch_size": 16}


def test_cells_are_those_whose_targets_labels_are_the_sources_by_name_and_kind() -> None:
    pairs = product(PAPER_SOURCES, PAPER_TARGETS)
    taken = {(source, target) for source, target in pairs if METHOD.takes(get_task(source), get_task(target))}
    transfers = {(source, target) for source, target in taken if source != target}
    yes_or_no = set(product(("boolq", "multirc"), ("wsc", "wic"))) | {("wic", "wsc"), ("wsc", "wic")}
    assert transfers == {("mnli", "cb"), ("qnli", "rte")} | yes_or_no
    assert ("cb", "cb") in taken
    assert ("copa", "copa") not in taken, "whose head names no labels"
    assert ("stsb", "stsb") not in taken


def test_the_outputs_are_the_targets_labels_in_their_order() -> None:
    weight_CD, bias_C = torch.arange(12.0).reshape(3, 4), torch.arange(3.0)
    geometry = Geometry(layers=1, query_heads=2, kv_heads=2, head_size=2, hidden=4, max_positions=64)
    inputs = Inputs(
        name="cell",
        seed=1,
        config=TrainConfig(lr=0.0, batch_size=1, epochs=0),
        geometry=geometry,
        source_prompts=(Prompt(torch.zeros(1, 2, 2, 3, 2), weight_CD, bias_C),),
        source_labels=(("entailment", "neutral", "contradiction"),),
        target_labels=("contradiction", "entailment"),
    )
    member = METHOD.member(inputs, METHOD.Options())
    assert torch.equal(member.start.tensors["head.weight"], weight_CD[[2, 0]])
    assert torch.equal(member.start.tensors["head.bias"], bias_C[[2, 0]])
    assert member.keeps_head


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Store]:
    """Two sources and two targets; review is a target of its own, rating shares no label with either of them."""
    sweep = small_sweep(
        tmp_path_factory.mktemp("store"),
        methods=["source_model", "pot"],
        metrics=[],
        sources=["review", "rating"],
        targets=["remark", "review"],
        training=SHORT,
    )
    run_inline(sweep)
    return sweep, Store(sweep.storage)


def records(store: Store, method: str) -> dict[tuple[tuple[str, ...], str], dict[str, Any]]:
    return {
        (tuple(record["sources"]), record["target"]): record
        for _, record in store.records()
        if record.get("method") == method
    }


def test_pairs_without_common_labels_have_no_cell_and_leave_those_of_other_methods(ran: tuple[Any, Store]) -> None:
    assert records(ran[1], "source_model").keys() == {(("review",), "remark"), (("review",), "review")}
    assert len(records(ran[1], "pot")) == 4


def test_a_source_says_of_its_own_items_what_it_said_when_it_was_trained(ran: tuple[Any, Store]) -> None:
    _, store = ran
    asked, trained = (
        records(store, "source_model")[("review",), "review"],
        records(store, "prompt_tuning")[(), "review"],
    )
    assert asked["score"] == trained["score"]
    assert said(store, asked) == said(store, trained)
    assert len(set(said(store, trained))) == 2, "or it would not matter which label is which"


def test_nothing_is_trained_and_what_is_kept_is_the_sources(ran: tuple[Any, Store]) -> None:
    _, store = ran
    record, trained = (
        records(store, "source_model")[("review",), "remark"],
        records(store, "prompt_tuning")[(), "review"],
    )
    kept, source = (Prompt.from_bytes(store.read_file(each["key"], PROMPT_FILE)) for each in (record, trained))
    assert torch.equal(kept.prefix_LKNPH, source.prefix_LKNPH)
    assert torch.equal(kept.head_weight_CD, source.head_weight_CD)
    assert [(epoch["epoch"], epoch["loss"]) for epoch in record["history"]] == [(0, 0.0)]
    assert [each["key"] for each in record["inputs"]["source_prompt"]] == [trained["key"]]


def test_its_key_is_of_the_sources_prompt_and_the_targets_rows_alone(tmp_path: Path) -> None:
    def unit(**changes: Any) -> Any:
        described = {"methods": ["source_model"], "metrics": [], "sources": ["review"], "training": SHORT}
        plan, _ = planned(small_sweep(tmp_path, **{**described, **changes}))
        (found,) = [unit for unit in plan.units.values() if unit.method == "source_model"]
        return found

    before = unit()
    for tasks in ({"lr": 0.5}, {"batch_size": 3}, {"epochs": 9}):
        assert unit(tasks={"remark": SMALL | tasks, "review": SMALL}).key == before.key
    assert unit(tasks={"remark": SMALL | {"max_dev_rows": 7}, "review": SMALL}).key != before.key
    trained_longer = unit(tasks={"remark": SMALL, "review": SMALL | {"epochs": 9}})
    assert trained_longer.key != before.key


def said(store: Store, record: dict[str, Any]) -> list[Any]:
    """What a unit answered for each dev item."""
    table = pq.read_table(io.BytesIO(store.read_file(record["key"], PREDICTIONS_FILE)))
    return list(table.column("prediction").to_pylist())
