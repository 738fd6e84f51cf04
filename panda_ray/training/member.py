"""What the stacked engine trains, and what it gives back, per member of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from panda_ray.training.config import Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.training.trainables.trainable import Part

KdLoss = Literal["mse_prob", "mse_logit", "kl", "ce"]
KdReduction = Literal["mean", "sum"]


@dataclass(frozen=True)
class Distillation:
    """What a student imitates.

    Attributes:
        teachers: what is frozen, and the heads of those that speak for themselves: one, or several whose outputs are
            mixed.
        student_head: classify the teacher's features through the student's own head instead of the teacher's.
        weight: factor of the distillation loss: `lambda`, times `sim` where one source is weighed.
        loss: how outputs are compared.
        reduction: over the batch, after the sum over classes: its `mean`, or that times its examples (`sum`);
            `released_code` is the mean over classes and batch, divided by the batch again.
        shares: what each teacher's outputs weigh in their mixture, sum_i shares_i P_i; none for one teacher as it is.
        temperature: T: what both sides say is softened to softmax(z / T), and the loss is multiplied with T^2.
    """

    teachers: tuple[Part, ...]
    student_head: bool
    weight: float
    loss: KdLoss = "mse_prob"
    reduction: Literal[KdReduction, "released_code"] = "mean"
    shares: tuple[float, ...] = ()
    temperature: float = 1.0

    def __post_init__(self) -> None:
        assert len(self.shares) == (len(self.teachers) if self.shares else 0), "every teacher has a share"
        assert self.shares or len(self.teachers) == 1, "several teachers are mixed"
        assert not (self.shares and self.student_head), "teachers that are mixed have heads of their own"

    def factor(self, batch_size: int) -> float:
        """What the batch's mean divergence is multiplied with."""
        if self.reduction == "sum":
            return self.weight * batch_size
        return self.weight / batch_size if self.reduction == "released_code" else self.weight


@dataclass(frozen=True)
class Member:
    """One training of a stack: its own seed, learning rate, start and distillation.

    Attributes:
        name: in reports and results; no other member of the stack has it.
        start: what is trained, before its first step; its head is drawn by the seed.
        is_kept: whether its result has an artifact with anything in it.
        keeps_head: its head is not drawn and not trained: it is that of the start. In a stack all do, or none.
    """

    name: str
    seed: int
    lr: float
    start: Part
    distillation: Distillation | None = None
    is_kept: bool = True
    keeps_head: bool = False


@dataclass(frozen=True)
class EpochScore:
    """One evaluation, in percent: on the whole dev set, on its selecting half and on its reported half."""

    epoch: int
    loss: float
    """Mean training loss of the epoch's steps."""
    score: float
    score_select: float
    score_report: float


SELECTING: Mapping[Protocol, str] = {"paper": "score", "honest": "score_select"}
"""The score of an epoch that a protocol selects by."""


@dataclass(frozen=True)
class Predictions:
    """Dev-set predictions of one evaluation.

    Attributes:
        values: one JSON value per item.
        statistics_IM: per item, the sufficient statistics of the task's measure (see `tasks/measures/scores.py`).
    """

    epoch: int
    values: tuple[Any, ...]
    statistics_IM: NDArray[np.float64]


@dataclass(frozen=True)
class MemberResult:
    """What training one member gave; `error` says why there is no artifact.

    Attributes:
        stopped: somebody ended the training after the last epoch of its history, so that artifact and predictions are
            those of a shorter training than the one that was asked for.
        artifact: what was trained, head included, as of the epoch that the protocol selects; on the host. Empty for a
            member that is not kept.
        history: one entry per epoch.
        best: predictions of the epoch that is best on the whole dev set (the `paper` protocol).
        honest: predictions of the epoch that is best on the selecting half.
        trained_parameters: numbers that were trained below the head.
        workers: how many trained it, one number after the other.
    """

    name: str
    artifact: Mapping[str, Tensor] | None = None
    history: tuple[EpochScore, ...] = ()
    best: Predictions | None = None
    honest: Predictions | None = None
    select_items: frozenset[int] = field(default=frozenset())
    """Items of the selecting half."""
    error: str | None = None
    stopped: bool = False
    trained_parameters: int = 0
    workers: tuple[int, ...] = ()
