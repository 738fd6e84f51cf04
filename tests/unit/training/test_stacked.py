"""A stack of S equals S solo runs; a resumed training equals an uninterrupted one; a bad member harms nobody."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from panda_ray.backbones.forward import row_reader
from panda_ray.errors import InputError
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.engine.stacked import train_stack
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_task
from support.trained.trainings import CONFIG, Slot, assert_same, members_of, with_nan


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_equals_solo_runs(kind: str) -> None:
    backbone, task, members = random_backbone(), toy_task(kind, train=30), members_of(kind, 4)
    config = replace(CONFIG, epochs=1)  # one epoch: rounding must not decide which epoch is the best
    together = train_stack(backbone, task, members, config)
    alone = [train_stack(backbone, task, [member], config)[0] for member in members]
    assert_same(together, alone, exact=False)


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_and_chunks_of_a_step_give_the_gradient_of_the_whole_step(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, task, members = random_backbone(), toy_task(kind, train=30), members_of(kind, 4)
    config = replace(CONFIG, epochs=1, batch_size=8)
    monkeypatch.setitem(row_reader._BLOCK_COST, "cpu", 10**6)
    monkeypatch.setitem(row_reader.CHUNK_TOKENS, "cpu", 10**6)
    whole = train_stack(backbone, task, members, config)
    monkeypatch.setitem(row_reader._BLOCK_COST, "cpu", 0)
    in_blocks = train_stack(backbone, task, members, config)
    monkeypatch.setitem(row_reader.CHUNK_TOKENS, "cpu", 100)
    in_chunks = train_stack(backbone, task, members, config)
    assert_same(in_blocks, whole, exact=False)
    assert_same(in_chunks, whole, exact=False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bias_that_a_softmax_ignores_stays_zero(kind: str) -> None:
    """Rounding noise in its gradient, weight decay and a resumed checkpoint included."""
    config, slot = replace(CONFIG, weight_decay=0.1), Slot()
    task, members = toy_task(kind, train=30), members_of(kind, 3)
    results = train_stack(random_backbone(), task, members, config, checkpoint=slot, checkpoint_seconds=0.0)
    resumed = train_stack(random_backbone(), task, members, config, checkpoint=Slot(slot.saved[0]))
    assert_same(resumed, results, exact=True)
    for result in results:
        assert result.artifact is not None
        assert result.artifact["head.bias"].shape == (task.spec.output_size,)
        moved = bool(result.artifact["head.bias"].any())
        assert moved == (kind not in ("multiple_choice", "extractive_qa"))


@pytest.mark.parametrize("kind", KINDS)
def test_bf16_follows_the_loss_curve_of_fp32(kind: str) -> None:
    task, members = toy_task(kind, train=30), members_of(kind, 4)
    exact = train_stack(random_backbone(), task, members, CONFIG)
    rounded = train_stack(random_backbone(), task, members, replace(CONFIG, precision="bf16"))
    for one, other in zip(exact, rounded, strict=True):
        assert other.artifact is not None
        assert {leaf.dtype for leaf in (other.artifact["prefix"], other.artifact["head.weight"])} == {torch.float32}
        losses = [epoch.loss for epoch in other.history]
        assert losses != [epoch.loss for epoch in one.history]
        assert losses == pytest.approx([epoch.loss for epoch in one.history], rel=0.05)


@pytest.mark.parametrize("model_type", ["bert", "roberta"])
def test_a_prompt_can_learn_a_few_examples_by_heart(model_type: str) -> None:
    backbone, task = random_backbone(model_type), toy_task("classification", train=6, single_segment=True)
    member = replace(members_of("classification", 1)[0], lr=5e-2)
    [result] = train_stack(backbone, task, [member], replace(CONFIG, epochs=60))
    assert result.history[-1].loss < 0.3 * result.history[0].loss


@pytest.mark.parametrize("kind", ["classification", "tagging"])
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(kind: str) -> None:
    backbone, task, members = random_backbone(), toy_task(kind), members_of(kind, 4)
    config = replace(CONFIG, dropout=0.1)
    slot = Slot()
    expected = train_stack(backbone, task, members, config, checkpoint=slot, checkpoint_seconds=0)
    assert len(slot.saved) == config.epochs * 4  # 13 examples in batches of 4: 3 steps and the end of each epoch
    for state in slot.saved:
        resumed = train_stack(backbone, task, members, config, checkpoint=Slot(state))
        assert_same(resumed, expected, exact=True)


def reshaped(state: dict[str, Any]) -> None:
    state["leaves"]["prefix"] = state["leaves"]["prefix"][:1, :1]


def unfinished(state: dict[str, Any]) -> None:
    """Everything that comes before it is put in place first."""
    state["members"] = state["members"][:-1]


def beyond_the_end(state: dict[str, Any]) -> None:
    state["step"] = 10**9


def of_texts(state: dict[str, Any]) -> None:
    state["members"][0]["history"] = [["one", "two", "three", "four", "five"]]


def without_predictions(state: dict[str, Any]) -> None:
    state["members"][0]["best"] = None


def of_another_format(state: dict[str, Any]) -> None:
    state["format"] = 1


def of_other_means(state: dict[str, Any]) -> None:
    state["optimizer"]["means"][0] = torch.zeros(1)


def without_a_stream(state: dict[str, Any]) -> None:
    state["random"] = torch.zeros(3, dtype=torch.uint8)


@pytest.mark.parametrize(
    "change",
    [
        reshaped,
        unfinished,
        beyond_the_end,
        of_texts,
        without_predictions,
        of_another_format,
        of_other_means,
        without_a_stream,
    ],
)
def test_a_checkpoint_that_does_not_fit_counts_as_absent(change: Callable[[dict[str, Any]], None]) -> None:
    backbone, task, members = random_backbone(), toy_task("classification"), members_of("classification", 2)
    config, slot = replace(CONFIG, dropout=0.1), Slot()
    expected = train_stack(backbone, task, members, config, checkpoint=slot, checkpoint_seconds=0)
    state = torch.load(io.BytesIO(slot.saved[4]), weights_only=True)
    change(state)
    changed = io.BytesIO()
    torch.save(state, changed)
    assert_same(train_stack(backbone, task, members, config, checkpoint=Slot(changed.getvalue())), expected, exact=True)


class Opener:
    """What an unpickler that trusts its input would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def test_a_checkpoint_that_cannot_be_read_counts_as_absent_and_runs_no_code(tmp_path: Path) -> None:
    backbone, task, members = random_backbone(), toy_task("classification"), members_of("classification", 2)
    slot = Slot()
    expected = train_stack(backbone, task, members, CONFIG, checkpoint=slot, checkpoint_seconds=0)
    state, code = slot.saved[4], io.BytesIO()
    torch.save(Opener(tmp_path / "ran"), code)
    tensors = io.BytesIO()
    torch.save([torch.zeros(2)], tensors)
    for damaged in (b"", b"PK", state[:-100], state[: len(state) // 2], code.getvalue(), tensors.getvalue()):
        again = train_stack(backbone, task, members, CONFIG, checkpoint=Slot(damaged))
        assert_same(again, expected, exact=True)
    assert not (tmp_path / "ran").exists()


def test_a_finished_training_is_always_saved() -> None:
    slot = Slot()
    task, members = toy_task("classification"), members_of("classification", 2)
    expected = train_stack(random_backbone(), task, members, CONFIG, checkpoint=slot, checkpoint_seconds=1e9)
    [state] = slot.saved
    reports: list[EpochReport] = []
    again = train_stack(random_backbone(), task, members, CONFIG, checkpoint=Slot(state), on_epoch=reports.append)
    assert reports == []
    assert_same(again, expected, exact=True)


def test_training_leaves_the_random_stream_of_its_caller_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_stack(random_backbone(), toy_task("classification"), members_of("classification", 1), CONFIG)
    assert torch.equal(torch.rand(3), expected)


def test_a_member_that_diverges_is_dropped_and_its_neighbours_finish_untouched() -> None:
    backbone, task, members = random_backbone(), toy_task("classification"), members_of("classification", 3)
    healthy = train_stack(backbone, task, members, CONFIG)
    broken = with_nan(members[1])
    results = train_stack(backbone, task, [members[0], broken, members[2]], CONFIG)
    assert results[1].artifact is None
    assert "NaN" in (results[1].error or "")
    assert_same([results[0], results[2]], [healthy[0], healthy[2]], exact=False)


def test_max_steps_end_the_training_and_its_schedule() -> None:
    reports: list[EpochReport] = []
    task, members = toy_task("classification"), members_of("classification", 1)
    train_stack(random_backbone(), task, members, replace(CONFIG, max_steps=6), on_epoch=reports.append)
    assert [(report.epoch, report.epochs) for report in reports] == [(1, 2), (2, 2)]


def test_the_honest_protocol_selects_on_one_half_and_scores_on_the_other() -> None:
    task, members = toy_task("classification", dev=20), members_of("classification", 1)
    [paper] = train_stack(random_backbone(), task, members, CONFIG)
    [honest] = train_stack(random_backbone(), task, members, replace(CONFIG, protocol="honest"))
    assert paper.history == honest.history
    assert paper.best is not None
    assert honest.honest is not None
    assert paper.best.epoch == 1 + max(range(3), key=lambda epoch: paper.history[epoch].score)
    assert honest.honest.epoch == 1 + max(range(3), key=lambda epoch: honest.history[epoch].score_select)
    assert len(honest.select_items) == 10


def test_prompts_that_do_not_fit_are_refused_before_training() -> None:
    config = replace(CONFIG, prompt_len=60)
    with pytest.raises(InputError, match="need 84 positions"):
        train_stack(random_backbone(), toy_task("classification"), members_of("classification", 1), config)
