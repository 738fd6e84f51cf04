"""The loss of the comparators that are not panda_ray, written out from the paper (Eq. 3 to 5)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def task_loss(logits_BC: Tensor, labels_B: Tensor) -> Tensor:
    """Mean cross-entropy, or mean squared error where there is one output."""
    if logits_BC.shape[1] == 1:
        return F.mse_loss(logits_BC.squeeze(1), labels_B)
    return F.cross_entropy(logits_BC, labels_B)


def distillation_loss(student_BC: Tensor, teacher_BC: Tensor) -> Tensor:
    """Squared difference of the probabilities (of the outputs in regression), summed over classes, mean over rows."""
    if student_BC.shape[1] == 1:
        return F.mse_loss(student_BC, teacher_BC)
    difference_BC = teacher_BC.softmax(dim=1) - student_BC.softmax(dim=1)
    return difference_BC.square().sum(dim=1).mean()
