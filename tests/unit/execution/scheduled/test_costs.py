"""What estimates are made of: hand-made records of a device whose speed is known, on the plan of a real sweep."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from panda_ray.cli.wording.words import ahead_as_json, describe_ahead, hours
from panda_ray.execution.costs.ahead import work_ahead
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.speeds import ASSUMED_EFFICIENCY, ASSUMED_START
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.unit import Unit
from panda_ray.tasks import get_task
from panda_ray.tasks.extent import extent_of, nominal_extent
from support.sweeps.timed_records import (
    GPU,
    RATE,
    START,
    TRAIN,
    loop_seconds,
    record,
    row_operations,
    timed_sweep,
    unit_of,
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return build_plan(timed_sweep(tmp_path), Store(str(tmp_path)))


def stack_of(unit: Unit, width: int) -> Stack:
    return Stack((unit,) * width)


def costs(plan: Plan, records: Iterable[dict[str, Any]]) -> Costs:
    return Costs.of(plan, records)


def test_seconds_of_a_measured_pair_are_those_that_it_took(plan: Plan) -> None:
    unit = unit_of(plan, "builtin-tiny", "pot", "remark")
    known = costs(plan, [record(unit, width) for width in (2, 16)])
    assert str(known.device) == f"{GPU} (fp32)"
    for width in (1, 2, 8, 16, 64):
        estimate = known.seconds(stack_of(unit, width))
        assert estimate.seconds == pytest.approx(START + loop_seconds(unit, width), rel=1e-3)
        assert estimate.basis == "measured"


def test_other_tasks_and_backbones_follow_by_operation_count(plan: Plan) -> None:
    measured = unit_of(plan, "builtin-tiny", "pot", "remark")
    records = [record(measured, width) for width in (2, 16)]
    for backbone, task in (("builtin-tiny", "review"), ("bert-base", "remark")):
        unit = unit_of(plan, backbone, "prompt_tuning", task)
        same_size = record(unit, 4, device="another GPU")  # says how many tokens there are, not how fast this device is
        estimate = costs(plan, [*records, same_size]).seconds(stack_of(unit, 8))
        assert estimate.seconds == pytest.approx(START + loop_seconds(unit, 8), rel=1e-3)
        assert estimate.basis == "extrapolated"


def test_a_pairs_own_speed_outweighs_the_fit(plan: Plan) -> None:
    slow = unit_of(plan, "builtin-tiny", "pot", "remark")
    others = [record(unit_of(plan, "bert-base", "prompt_tuning", "review"), width) for width in (1, 8)]
    half_as_fast = record(slow, 8, examples_per_second=TRAIN * 8 / loop_seconds(slow, 8))
    estimate = costs(plan, [*others, half_as_fast]).seconds(stack_of(slow, 8))
    assert estimate.seconds == pytest.approx(START + 2 * loop_seconds(slow, 8), rel=0.01)
    assert estimate.basis == "measured"


def test_one_width_alone_still_says_that_narrow_stacks_are_slower(plan: Plan) -> None:
    unit = unit_of(plan, "builtin-tiny", "pot", "remark")
    known = costs(plan, [record(unit, 16)])
    assert known.seconds(stack_of(unit, 16)).seconds == pytest.approx(START + loop_seconds(unit, 16), rel=1e-3)
    one, sixteen = (known.seconds(stack_of(unit, width)).seconds - START for width in (1, 16))
    assert sixteen / 16 < one < sixteen


def test_a_teacher_is_one_forward_pass_over_the_training_rows(plan: Plan) -> None:
    pot, panda = (unit_of(plan, "builtin-tiny", method, "remark") for method in ("pot", "panda"))
    known = costs(plan, [record(pot, width) for width in (2, 16)])
    more = known.seconds(stack_of(panda, 64)).seconds - known.seconds(stack_of(pot, 64)).seconds
    assert more == pytest.approx(64 * TRAIN * row_operations(pot)[0] / RATE, rel=1e-2)


@pytest.mark.parametrize(("measured", "expected"), [(True, 0.6), (False, ASSUMED_EFFICIENCY)])
def test_workers_share_the_operations(plan: Plan, measured: bool, expected: float) -> None:
    unit = unit_of(plan, "bert-base", "prompt_tuning", "review")
    records = [record(unit, width) for width in (2, 64)]
    if measured:
        records.append(record(unit, 64, workers=2, efficiency=0.6))
    loop = costs(plan, records).seconds(stack_of(unit, 64), workers=4).seconds - START
    assert loop == pytest.approx(loop_seconds(unit, 64, workers=4, efficiency=expected), rel=0.1)


def test_without_records_everything_is_assumed_of_what_the_sweep_asks_for(plan: Plan, tmp_path: Path) -> None:
    known = costs(plan, [])
    assert str(known.device) == "CPU with 1 thread (fp32)"
    assert {known.seconds(stack).basis for stack in plan.stacks} == {"assumed"}
    assert all(known.seconds(stack).seconds > ASSUMED_START for stack in plan.stacks if stack.members[0].config)
    resources, training = {"gpus_per_stack": 1.0}, {"epochs": 2, "batch_size": 16, "precision": "bf16"}
    on_gpus = build_plan(timed_sweep(tmp_path, resources=resources, training=training), Store(str(tmp_path)))
    assert str(costs(on_gpus, []).device) == "GPU (bf16)"


def test_a_sweep_for_gpus_is_not_estimated_from_a_cpu(tmp_path: Path) -> None:
    on_gpus = build_plan(timed_sweep(tmp_path, resources={"gpus_per_stack": 1.0}), Store(str(tmp_path)))
    unit = unit_of(on_gpus, "builtin-tiny", "pot", "remark")
    known = costs(on_gpus, [record(unit, 16, device="cpu")])
    assert str(known.device) == "GPU (fp32)"
    assert known.seconds(stack_of(unit, 16)).basis == "assumed"


def test_the_device_is_the_one_with_most_stacks_of_the_sweeps_backbones(plan: Plan) -> None:
    tiny, base = (unit_of(plan, name, "prompt_tuning", "review") for name in ("builtin-tiny", "bert-base"))
    rare = [record(tiny, 4, device="rare GPU")]
    foreign = [record(base, width, device="foreign GPU", backbone="bert-large") for width in range(1, 9)]
    often = [record(base, width) for width in (4, 8)]
    half = [record(base, width, device="half GPU") for width in range(1, 9)]
    for one in half:
        one["identity"] = {**one["identity"], "config": {**one["identity"]["config"], "precision": "bf16"}}
    assert costs(plan, [*rare, *foreign, *often, *half]).device.name == GPU
    assert costs(plan, [*foreign, *half]).device.name == "foreign GPU"


def test_members_of_a_stack_are_one_sample(plan: Plan) -> None:
    unit = unit_of(plan, "builtin-tiny", "pot", "remark")
    wide, other = record(unit, 16), record(unit, 2, device="other GPU", stack="a")
    assert costs(plan, [wide, wide, wide, other, {**other, "stack": "b"}]).device.name == "other GPU"


def test_embeddings_take_what_they_took(plan: Plan) -> None:
    stack = next(stack for stack in plan.stacks if stack.members[0].product == "embedding")
    unit = stack.members[0]
    trained = record(unit_of(plan, "builtin-tiny", "pot", "remark"), 16)
    embedded = {
        "key": unit.key,
        "product": "embedding",
        "backbone": unit.backbone.name,
        "task": unit.task,
        "threads": 8,
    }
    embedded |= {"method": unit.method, "identity": unit.identity, "device": GPU, "seconds": 0.5}
    estimate = costs(plan, [trained, embedded]).seconds(stack)
    assert (estimate.seconds, estimate.basis) == (0.5 * len(stack.members), "measured")


def test_records_from_before_tokens_were_counted_still_count(plan: Plan) -> None:
    unit = unit_of(plan, "builtin-tiny", "pot", "remark")
    counted = ("train_examples", "dev_examples", "rows_per_example", "tokens_per_example", "training_seconds")
    old = {name: value for name, value in record(unit, 16).items() if name not in counted}
    estimate = costs(plan, [old]).seconds(stack_of(unit, 16))
    rows = get_task("remark").train_rows
    assert estimate.seconds == pytest.approx(ASSUMED_START + 2 * rows * 16 / old["examples_per_second"], rel=1e-3)
    assert estimate.basis == "measured"


def test_tokens_are_believed_of_any_rows_and_examples_of_the_same_rows_only(plan: Plan) -> None:
    unit = unit_of(plan, "builtin-tiny", "prompt_tuning", "review")
    other_rows = record(unit, 16)
    other_rows["identity"] = {**unit.identity, "data": {**unit.identity["data"], "fingerprint": "others"}}
    base = costs(plan, [record(unit, 16)]).seconds(stack_of(unit, 16)).seconds - START
    more = costs(plan, [other_rows]).seconds(stack_of(unit, 16)).seconds - START
    assert more / base == pytest.approx(get_task("review").train_rows / TRAIN, rel=0.1)


def test_a_plan_adds_up_by_stage_and_says_what_it_knows(plan: Plan) -> None:
    units = [unit_of(plan, "builtin-tiny", "prompt_tuning", task) for task in ("review", "rating", "remark")]
    known = costs(plan, [record(unit, 1, stack=unit.task) for unit in units])
    ahead = work_ahead(plan, known)
    assert ahead.seconds == pytest.approx(sum(known.seconds(stack).seconds for stack in plan.stacks))
    assert sum(ahead.by_stage.values()) == pytest.approx(ahead.seconds)
    assert set(ahead.by_stage) == {"source prompts", "prompt_tuning", "embeddings", "pot", "teachers", "panda"}
    shares = ahead_as_json(ahead)["shares"]
    assert set(shares) == {"measured", "extrapolated"}
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-3)
    lines = describe_ahead(ahead, len(plan.stacks))
    assert f"GPU-hours on {GPU} (fp32)" in lines[0]
    measured = 100 * shares["measured"]
    assert lines[1].startswith(f"of that time {measured:.0f} % measured, ")
    assert "extrapolated by operation count" in lines[1]


def test_hours_have_digits_where_they_are_few() -> None:
    assert [hours(value) for value in (0.0342, 1.26, 9.94, 12.3, 4321.0)] == ["0.034", "1.3", "9.9", "12", "4,321"]
    assert (hours(0.0), hours(0.00015)) == ("0", "< 0.001")


def test_an_extent_counts_words_choices_and_windows() -> None:
    classified = extent_of(get_task("rte"), [{"premise": "a b c d", "hypothesis": "e f", "label": 0}] * 100, [{}] * 7)
    assert (classified.train_rows, classified.dev_rows, classified.examples_per_row(128)) == (100, 7, 1.0)
    assert classified.tokens_per_row(128) == pytest.approx(6 * 1.3 + 3, abs=0.5)
    assert classified.tokens_per_row(8) == 8
    choice = {"premise": "a b", "choice1": "c", "choice2": "d e", "question": "cause", "label": 0}
    assert extent_of(get_task("copa"), [choice], [choice]).rows_per_example == 2
    context = {"question": "who was it", "context": "word " * 300, "answers": {"text": [], "answer_start": []}}
    asked = extent_of(get_task("squad"), [context], [context])
    assert asked.examples_per_row(128) == pytest.approx(5, abs=1)
    assert asked.examples_per_row(512) == 1
    assert nominal_extent(get_task("mnli"), 1000).dev_rows == 100
