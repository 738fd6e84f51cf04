"""The engine conforms to PEFT: without dropout, a stack has the loss curve of PEFT under a Trainer of transformers."""

from __future__ import annotations

import pytest

from benchmarks.competitors import peft_trainer, stacked
from benchmarks.workloads.setting import Method
from support.trained.loss_curves import one_step_per_epoch


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
