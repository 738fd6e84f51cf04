"""How the time of a stack is divided over its members."""

from __future__ import annotations

import pytest

from panda_ray.execution.work.members import shares
from panda_ray.training.engine.epoch_report import EpochReport


def report(epoch: int, trained: str, scored: str) -> EpochReport:
    return EpochReport(
        epoch, 9, dict.fromkeys(trained, 0.5), dict.fromkeys(scored, 50.0), dict.fromkeys(scored, 50.0), 1.0, 1.0
    )


def test_members_share_the_time_by_the_epochs_that_they_were_trained_in() -> None:
    """b diverges in epoch 2, c is stopped after it: neither is in what follows."""
    reports = [report(1, "abc", "abc"), report(2, "abc", "ac"), report(3, "a", "a"), report(4, "a", "a")]
    assert shares(list("abc"), reports) == pytest.approx([4 / 8, 2 / 8, 2 / 8])


def test_who_had_left_before_a_resume_has_no_part_in_what_followed() -> None:
    assert shares(list("abc"), [report(3, "ac", "ac")]) == pytest.approx([1 / 2, 0, 1 / 2])


def test_a_stack_with_nothing_left_to_train_is_shared_evenly() -> None:
    assert shares(list("abc"), []) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
