"""What the benchmarks compare with trains the same: the released schema has the loss curve of a panda_ray stack."""

from __future__ import annotations

import pytest

from benchmarks.competitors import released_schema, stacked
from support.trained.loss_curves import one_step_per_epoch


def test_without_a_teacher_the_released_schema_has_the_same_losses() -> None:
    setting = one_step_per_epoch("cola", "pot")
    assert stacked.prepare(setting, 1)() == pytest.approx(released_schema.prepare(setting)(), rel=1e-4, abs=1e-4)
