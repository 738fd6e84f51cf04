"""Divergences between what students say and what they imitate: one loss per member.

Shape letters: S members, B examples, C outputs of the head, n teachers of one student,
... positions per example (none, T for tagging, 2 for start and end).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from panda_ray.tasks.kinds import IGNORED, PADDING_LOGIT, TaskKind
from panda_ray.training.member import KdLoss


def distillation_loss(
    kind: TaskKind,
    loss: KdLoss,
    student: Tensor,
    teacher: Tensor,
    labels: Tensor,
    mean_of_outputs: bool = False,
    mixed: bool = False,
    temperature: float = 1.0,
) -> Tensor:
    """L_kd of each member (S,) (Eq. 4 of the paper), summed over what counts: divergence between teacher and student.

    Args:
        student: outputs (S, B, ..., C), with gradient.
        teacher: outputs (S, B, ..., C), constant.
        labels: (S, B, ...), to leave out the positions that do not count.
        mean_of_outputs: average over the last dimension instead of summing over it, padding tokens left out.
        mixed: the teacher is a `mixture` already, under the same temperature.
        temperature: T of what is compared as distributions, softmax(z / T). The gradients of such a divergence shrink
            like 1 / T^2; it is multiplied with T^2, so that its weight means the same under every T (Hinton et al.,
            2015, Sec. 2).
    """
    loss = _comparable(kind, loss)
    divergence = _divergence(
        loss, _softened(loss, student, temperature), teacher if mixed else _imitated(loss, teacher, temperature)
    )
    if loss != "mse_logit":
        divergence = divergence * temperature**2
    if mean_of_outputs:
        divergence = divergence / (student.detach() > PADDING_LOGIT).sum(dim=-1)
    return (divergence * (labels != IGNORED)).flatten(1).sum(dim=1)


def mixture(
    kind: TaskKind, loss: KdLoss, shares_n: Sequence[float], outputs_n: Tensor, temperature: float = 1.0
) -> Tensor:
    """What a student imitates of several teachers, sum_i shares_i P_i: (B, ..., C).

    Args:
        outputs_n: of each teacher, (n, B, ..., C).
    """
    loss = _comparable(kind, loss)
    imitated_n = _imitated(loss, outputs_n, temperature)
    share_n = outputs_n.new_tensor(shares_n).reshape(-1, *[1] * (outputs_n.dim() - 1))
    if loss == "kl":
        return (imitated_n + share_n.log()).logsumexp(dim=0)
    mixed = (share_n * imitated_n).sum(dim=0)
    return mixed.masked_fill(outputs_n[0] <= PADDING_LOGIT, PADDING_LOGIT) if loss == "mse_logit" else mixed


def _comparable(kind: TaskKind, loss: KdLoss) -> KdLoss:
    """Numbers are no distribution: whatever the loss, they are compared as they are."""
    return loss if kind.has_softmax else "mse_logit"


def _softened(loss: KdLoss, outputs: Tensor, temperature: float) -> Tensor:
    """Outputs whose softmax is compared; those that are compared themselves stay as they are."""
    return outputs if loss == "mse_logit" else outputs / temperature


def _imitated(loss: KdLoss, outputs: Tensor, temperature: float) -> Tensor:
    """What is compared of a teacher's outputs: themselves, or the distribution that they stand for."""
    outputs = _softened(loss, outputs, temperature)
    if loss == "mse_logit":
        return outputs
    return outputs.log_softmax(dim=-1) if loss == "kl" else outputs.softmax(dim=-1)


def _divergence(loss: KdLoss, student: Tensor, teacher: Tensor) -> Tensor:
    """Difference between a student's outputs and what it imitates, summed over the last dimension."""
    if loss == "mse_logit":
        return (teacher - student).square().sum(dim=-1)
    if loss == "mse_prob":
        return (teacher - student.softmax(dim=-1)).square().sum(dim=-1)
    if loss == "kl":
        return F.kl_div(student.log_softmax(dim=-1), teacher, reduction="none", log_target=True).sum(dim=-1)
    assert loss == "ce", loss
    return -(teacher * student.log_softmax(dim=-1)).sum(dim=-1)
