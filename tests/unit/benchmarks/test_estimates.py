"""The comparison of estimates with a finished sweep, on a device that keeps to the model exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.estimates.foresight import SHARES, foresights
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.store.store import Store
from support.sweeps.timed_records import START, loop_seconds, record, timed_sweep


def test_a_device_like_the_model_is_foreseen_from_any_part_of_a_sweep(tmp_path: Path) -> None:
    plan = build_plan(timed_sweep(tmp_path, methods=["prompt_tuning", "pot"], metrics=[]), Store(str(tmp_path)))
    records = []
    for number, stack in enumerate(plan.stacks):
        width = len(stack.members)
        records += [
            {
                **record(unit, width),
                "stack": stack.id,
                "target": unit.task,
                "seconds": (START + loop_seconds(unit, width)) / width,
                "finished_at": f"2026-01-01T00:{number:02}",
            }
            for unit in stack.members
        ]
    found = {foresight.known: foresight for foresight in foresights(plan, records)}
    assert len(found) == 1 + len(SHARES) + len({record["target"] for record in records})
    assert found["nothing"].shares == {"assumed": 1.0}
    assert found["nothing"].stacks == len(plan.stacks)
    half = found["the first 50% of the stacks"]
    assert half.ratio == pytest.approx(1.0, abs=0.25)
    assert half.typical_factor < 1.25
    assert found["all tasks but remark"].shares == {"extrapolated": 1.0}
    assert found["all tasks but remark"].ratio == pytest.approx(1.0, abs=0.25)
