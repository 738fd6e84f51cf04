"""What is stored of a cell with several sources, and when it is no longer current: trained here, on built-in tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from support.sweeps.small_sweeps import run_inline, small_sweep

BOTH = ("review", "kinds")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    late: dict[str, Any] = {"method": "panda_fusion", "label": "late", "options": {"fusion": "late"}}
    return small_sweep(
        tmp_path_factory.mktemp("store"),
        sources=[*BOTH, list(BOTH)],
        methods=["prompt_tuning", "panda", {"method": "panda_fusion", "label": "early"}, late],
    )


@pytest.fixture(scope="module")
def plan(sweep: Sweep) -> Plan:
    run_inline(sweep)
    return build_plan(sweep, Store(sweep.storage))


def keys_of(plan: Plan) -> dict[tuple[str, tuple[str, ...]], str]:
    return {(cell.method, cell.sources): cell.key for cell in plan.cells}


def test_its_record_says_what_it_was_made_of(plan: Plan, sweep: Sweep) -> None:
    store, keys = Store(sweep.storage), keys_of(plan)
    assert plan.done == plan.units.keys()
    alone = [store.known(keys["panda", (source,)]) for source in BOTH]
    for label in ("early", "late"):
        record = store.known(keys[label, BOTH])
        assert record["sources"] == list(BOTH)
        assert record["similarities"] == [each["similarities"][0] for each in alone]
        assert record["inputs"]["teacher"] == [each["inputs"]["teacher"][0] for each in alone]
        assert len(record["inputs"]["source_embedding"]) == 2
        assert len(record["inputs"]["target_embedding"]) == 1


def test_it_is_outdated_when_any_of_its_teachers_came_out_different(plan: Plan, sweep: Sweep, tmp_path: Path) -> None:
    store, other, keys = Store(sweep.storage), Store(str(tmp_path)), keys_of(plan)
    teacher = plan.units[keys["early", BOTH]].dependencies["teacher"][1]
    for key, found in store.records():
        record = {name: value for name, value in found.items() if name not in ("files", "seal")}
        files = {name: store.read_file(key, name) for name in found["files"]}
        other.publish(key, record, files | ({"prompt.safetensors": b"another"} if key == teacher else {}))
    stale = {keys["panda", ("kinds",)], keys["early", BOTH], keys["late", BOTH]}
    assert other.done_keys() == plan.units.keys() - stale
