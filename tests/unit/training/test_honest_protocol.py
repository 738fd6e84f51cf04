"""The honest protocol: one half of the dev set chooses the epoch, the other half alone is reported.

Each epoch of the invented training is the best by another measure, and both halves have other scores and sizes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.work.record import Measured, training_record
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks.measures.scores import reduce
from panda_ray.training.engine.stack.dev_scores import Evaluation, selecting_half
from panda_ray.training.engine.stack.member_progress import MemberProgress
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import MemberResult
from support.sweeps.small_sweeps import planned, small_sweep
from support.trained.models import random_backbone
from support.trained.toys import toy_task
from support.trained.trainings import CONFIG, members_of

ITEMS = 21
WHOLE, SELECTING, REPORTED = 1, 2, 3
"""Epochs, by what they are best at."""


def evaluation(select_right: int, report_right: int) -> Evaluation:
    """So many right answers in each half of the dev set."""
    select_I = selecting_half(ITEMS)
    correct_I = np.zeros(ITEMS)
    correct_I[np.flatnonzero(select_I)[:select_right]] = 1
    correct_I[np.flatnonzero(~select_I)[:report_right]] = 1
    scores = [100 * correct_I[mask_I].mean() for mask_I in (np.ones(ITEMS, bool), select_I, ~select_I)]
    return Evaluation(*scores, values=tuple(correct_I.astype(int).tolist()), statistics_IM=correct_I[:, None])


EPOCHS = {WHOLE: evaluation(7, 8), SELECTING: evaluation(9, 2), REPORTED: evaluation(2, 11)}


def invented_training() -> MemberResult:
    [member] = members_of("classification", 1)
    artifacts = [random_prompt(seed).tensors() for seed in EPOCHS]
    progress = MemberProgress(member, "honest")
    for (epoch, scored), artifact in zip(EPOCHS.items(), artifacts, strict=True):
        progress.record(epoch, 0.5, scored, artifact)
    result = progress.result()
    assert result.artifact is artifacts[SELECTING - 1]
    return result


def random_prompt(seed: int) -> Prompt:
    generator = torch.Generator().manual_seed(seed)
    return Prompt(torch.randn(1, 2, 1, 2, 3, generator=generator), torch.zeros(2, 3), torch.zeros(2))


def test_the_selecting_half_alone_chooses_the_epoch() -> None:
    result = invented_training()
    assert result.best is not None
    assert result.honest is not None
    assert (result.best.epoch, result.honest.epoch) == (WHOLE, SELECTING)
    assert {int(epoch.score_report) for epoch in result.history} == {72, 18, 100}


def test_the_record_says_what_the_reported_half_scored_at_that_epoch(tmp_path: Path) -> None:
    plan, _ = planned(small_sweep(tmp_path))
    unit = next(unit for unit in plan.units.values() if unit.product == "prompt")
    assert unit.config is not None
    task = toy_task("classification")
    measured = Measured(1.0, torch.device("cpu"), 0, ("panda1",))
    for protocol in ("paper", "honest"):
        asked = replace(unit, config=replace(unit.config, protocol=protocol))
        record = training_record(asked, invented_training(), task, (), {}, Stack((asked,)), measured)
        assert record["score_honest"] == pytest.approx(100 * 2 / 11)
        assert record["score_paper"] == pytest.approx(100 * 15 / 21)
        assert record["score"] == record[f"score_{protocol}"]


def test_scores_of_the_halves_are_the_metric_of_their_items() -> None:
    task, members = toy_task("classification", dev=ITEMS), members_of("classification", 2)
    for result in train_stack(random_backbone(), task, members, replace(CONFIG, protocol="honest")):
        assert result.honest is not None
        chosen = result.history[result.honest.epoch - 1]
        reported = set(range(ITEMS)) - result.select_items
        for half, score in ((result.select_items, chosen.score_select), (reported, chosen.score_report)):
            assert score == pytest.approx(reduce("accuracy", result.honest.statistics_IM[sorted(half)]))
        assert len(result.select_items) == ITEMS // 2
    assert any(epoch.score_select != epoch.score_report for epoch in result.history)
