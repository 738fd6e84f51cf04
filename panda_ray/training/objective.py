"""From features to outputs, and from outputs to one loss per member, for every kind of task.

The last dimension of the outputs is always the one that a softmax runs over: classes, choices, tags, or the tokens
where an answer may start or end. Regression has one number there and no softmax.

Shape letters: S members, B examples, K rows per example, T tokens, D hidden size, C outputs of the head,
... positions per example (none, T for tagging, 2 for start and end).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from panda_ray.backbones.backbone import Features
from panda_ray.backbones.blocks import Tokens
from panda_ray.prompts.heads import apply_heads
from panda_ray.tasks.task import Kind
from panda_ray.training.member import KdLoss

IGNORED = -100
"""Label of a position that does not count."""
PADDING_LOGIT = -1e9
"""Logit of a padding token as start or end of an answer."""

TOKEN_KINDS: tuple[Kind, ...] = ("tagging", "extractive_qa")
"""Kinds whose head reads every token instead of the pooled vector."""


def head_input(kind: Kind, features: Sequence[Features], members: int) -> Tensor:
    """What the heads read, (S, X, D) in float32: pooled rows of all blocks, or every token of one block."""
    if kind in TOKEN_KINDS:
        assert len(features) == 1, "blocks differ in their number of tokens"
    read = [block.tokens_RTD if kind in TOKEN_KINDS else block.pooled_RD for block in features]
    return torch.cat([part.reshape(members, -1, part.shape[-1]) for part in read], dim=1).float()


def head_outputs(
    kind: Kind, input_SXD: Tensor, weight_SCD: Tensor, bias_SC: Tensor, blocks: Sequence[Tokens], rows_per_example: int
) -> Tensor:
    """Outputs (S, B, ..., C) of every member's head, for the rows of `head_input`."""
    members = input_SXD.shape[0]
    output_SXC = apply_heads(input_SXD, weight_SCD, bias_SC)
    if kind == "multiple_choice":
        return output_SXC.reshape(members, -1, rows_per_example)
    if kind not in TOKEN_KINDS:
        return output_SXC
    (tokens,) = blocks
    length = tokens.input_ids_RT.shape[1]
    output_SBTC = output_SXC.reshape(members, -1, length, output_SXC.shape[-1])
    if kind == "tagging":
        return output_SBTC
    padding_RT = torch.arange(length, device=output_SXC.device) >= tokens.lengths_R.unsqueeze(1)
    padding_SB1T = padding_RT.reshape(members, -1, 1, length)
    return output_SBTC.transpose(2, 3).masked_fill(padding_SB1T, PADDING_LOGIT)


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


def distillation_loss(
    kind: Kind, loss: KdLoss, student: Tensor, teacher: Tensor, labels: Tensor, mean_of_outputs: bool = False
) -> Tensor:
    """L_kd of each member (S,) (Eq. 4 of the paper), summed over what counts: divergence between teacher and student.

    Args:
        student: outputs (S, B, ..., C), with gradient.
        teacher: outputs (S, B, ..., C), constant.
        labels: (S, B, ...), to leave out the positions that do not count.
        mean_of_outputs: average over the last dimension instead of summing over it, padding tokens left out.
    """
    divergence = _divergence("regression" if kind == "regression" else loss, student, teacher)
    if mean_of_outputs:
        divergence = divergence / (student.detach() > PADDING_LOGIT).sum(dim=-1)
    return (divergence * (labels != IGNORED)).flatten(1).sum(dim=1)


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
