"""From features to outputs, and from outputs to one loss per member, for every kind of task.

The last dimension of the outputs is always the one that a softmax runs over: classes, choices, tags, or the tokens
where an answer may start or end. Regression has one number there and no softmax.

Shape letters: S members, B examples, K rows per example, T tokens, D hidden size, C outputs of the head,
... positions per example (none, T for tagging, 2 for start and end).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from panda_ray.backbones.backbone import Features, Tokens
from panda_ray.prompts.heads import apply_heads
from panda_ray.tasks.task import Kind
from panda_ray.training.member import KdLoss

IGNORED = -100
"""Label of a position that does not count."""
PADDING_LOGIT = -1e9
"""Logit of a padding token as start or end of an answer."""

TOKEN_KINDS: tuple[Kind, ...] = ("tagging", "extractive_qa")
"""Kinds whose head reads every token instead of the pooled vector."""


def head_input(kind: Kind, features: Features, members: int) -> Tensor:
    """What the heads read, (S, X, D) in float32: pooled rows, or every token for tagging and extractive QA."""
    read = features.tokens_RTD if kind in TOKEN_KINDS else features.pooled_RD
    return read.reshape(members, -1, read.shape[-1]).float()


def head_outputs(
    kind: Kind, input_SXD: Tensor, weight_SCD: Tensor, bias_SC: Tensor, tokens: Tokens, rows_per_example: int
) -> Tensor:
    """Outputs (S, B, ..., C) of every member's head."""
    members = input_SXD.shape[0]
    rows, length = tokens.input_ids_RT.shape
    examples = rows // members // rows_per_example
    output_SXC = apply_heads(input_SXD, weight_SCD, bias_SC)
    if kind == "multiple_choice":
        return output_SXC.reshape(members, examples, rows_per_example)
    if kind == "tagging":
        return output_SXC.reshape(members, examples, length, -1)
    if kind == "extractive_qa":
        output_SB2T = output_SXC.reshape(members, examples, length, 2).transpose(2, 3)
        index_T = torch.arange(length, device=output_SXC.device)
        padding_RT = index_T >= tokens.lengths_R.unsqueeze(1)
        return output_SB2T.masked_fill(padding_RT.reshape(members, examples, 1, length), PADDING_LOGIT)
    return output_SXC


def label_counts(labels: Tensor) -> Tensor:
    """Positions that count, per member (S,): the divisor of every loss.

    Args:
        labels: (S, B, ...), with `IGNORED` where nothing counts.
    """
    return (labels.flatten(1) != IGNORED).sum(dim=1).clamp(min=1)


def task_loss(kind: Kind, outputs: Tensor, labels: Tensor) -> Tensor:
    """Loss of each member (S,), summed over what counts; divide by `label_counts` of the whole step.

    Args:
        outputs: (S, B, ..., C).
        labels: (S, B, ...) int64 with `IGNORED`, or (S, B) float32 for regression.
    """
    if kind == "regression":
        return (outputs.squeeze(-1) - labels).square().sum(dim=1)
    losses = F.cross_entropy(
        outputs.reshape(-1, outputs.shape[-1]), labels.reshape(-1), ignore_index=IGNORED, reduction="none"
    )
    return losses.reshape(len(outputs), -1).sum(dim=1)


def distillation_loss(kind: Kind, loss: KdLoss, student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
    """L_kd of one member (Eq. 4 of the paper), summed over what counts: divergence between teacher and student.

    Args:
        student: outputs (B, ..., C), with gradient.
        teacher: outputs (B, ..., C), constant.
        labels: (B, ...), to leave out the positions that do not count.
    """
    divergence = _divergence("regression" if kind == "regression" else loss, student, teacher)
    return (divergence * (labels != IGNORED)).sum()


def _divergence(loss: str, student: Tensor, teacher: Tensor) -> Tensor:
    """Difference of two outputs, summed over the last dimension."""
    if loss in ("regression", "mse_logit"):
        return (teacher - student).square().sum(dim=-1)
    if loss == "mse_prob":
        return (teacher.softmax(dim=-1) - student.softmax(dim=-1)).square().sum(dim=-1)
    if loss == "kl":
        return F.kl_div(student.log_softmax(-1), teacher.log_softmax(-1), reduction="none", log_target=True).sum(-1)
    assert loss == "ce", loss
    return -(teacher.softmax(dim=-1) * student.log_softmax(dim=-1)).sum(dim=-1)
