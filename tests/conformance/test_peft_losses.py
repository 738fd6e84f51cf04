"""The comparators train the same: without dropout, PEFT under a Trainer has the loss curve of a panda_ray stack."""

from __future__ import annotations

import pytest
import torch

from benchmarks import peft_trainer, released_schema, stacked
from benchmarks.setting import Method, Setting

CPU = torch.device("cpu")


def one_step_per_epoch(task: str, method: Method, backbone: str = "tiny") -> Setting:
    """Panda_ray says its loss once per epoch, the others at each step; this makes them the same curve."""
    return Setting(backbone, task, method, CPU, rows=8, batch_size=8, epochs=4, dropout=0.0)


@pytest.mark.parametrize("task", ["cola", "stsb"])
@pytest.mark.parametrize("method", ["pot", "panda"])
def test_panda_ray_and_peft_have_the_same_losses(task: str, method: Method) -> None:
    setting = one_step_per_epoch(task, method)
    ours, theirs = stacked.prepare(setting, 1)(), peft_trainer.prepare(setting)()
    assert len(ours) == setting.steps
    assert len(set(ours)) == setting.steps, "a curve that does not move compares nothing"
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4)


def test_the_first_student_of_a_stack_is_the_one_that_the_others_train() -> None:
    setting = one_step_per_epoch("cola", "panda")
    assert stacked.prepare(setting, 3)() == pytest.approx(peft_trainer.prepare(setting)(), rel=1e-4, abs=1e-4)


def test_without_a_teacher_the_released_schema_has_the_same_losses() -> None:
    setting = one_step_per_epoch("cola", "pot")
    assert stacked.prepare(setting, 1)() == pytest.approx(released_schema.prepare(setting)(), rel=1e-4, abs=1e-4)
