"""What each member of a stack has reached: history, the epochs that both protocols select, why one ended early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from panda_ray.training.config import Protocol
from panda_ray.training.engine.stack.dev_scores import Evaluation, selecting_half
from panda_ray.training.member import EpochScore, Member, MemberResult, Predictions


class MemberProgress:
    """One member's history and its best epochs so far.

    The first of several equal epochs is kept: training on cannot make a result worse by a tie.
    """

    def __init__(self, member: Member, protocol: Protocol) -> None:
        self._member = member
        self._protocol = protocol
        self.history: list[EpochScore] = []
        self.best: Predictions | None = None
        self.honest: Predictions | None = None
        self.artifact: Mapping[str, Tensor] | None = None
        self.error: str | None = None
        self.stopped = False

    @property
    def goes_on(self) -> bool:
        """Neither dropped nor stopped."""
        return self.error is None and not self.stopped

    def record(self, epoch: int, loss: float, evaluation: Evaluation, artifact: Mapping[str, Tensor]) -> None:
        """Add one epoch; keep its predictions and its artifact where it is the best so far."""
        best_before = max((past.score for past in self.history), default=float("-inf"))
        select_before = max((past.score_select for past in self.history), default=float("-inf"))
        predictions = Predictions(epoch, evaluation.values, evaluation.statistics_IM)
        if evaluation.score > best_before:
            self.best = predictions
            self.artifact = artifact if self._protocol == "paper" else self.artifact
        if evaluation.score_select > select_before:
            self.honest = predictions
            self.artifact = artifact if self._protocol == "honest" else self.artifact
        self.history.append(EpochScore(epoch, loss, evaluation.score, evaluation.score_select, evaluation.score_report))

    def result(self) -> MemberResult:
        """What the member gave, or why it gave nothing."""
        if self.error is not None or self.best is None or self.artifact is None:
            return MemberResult(self._member.name, history=tuple(self.history), error=self.error)
        select_I = selecting_half(len(self.best.values))
        return MemberResult(
            name=self._member.name,
            artifact=self.artifact,
            history=tuple(self.history),
            best=self.best,
            honest=self.honest,
            select_items=frozenset(np.flatnonzero(select_I).tolist()),
            stopped=self.stopped,
        )

    def state(self) -> dict[str, Any]:
        """Plain data and tensors, for a checkpoint."""
        return {
            "history": [list(vars(past).values()) for past in self.history],
            "best": _predictions_state(self.best),
            "honest": _predictions_state(self.honest),
            "artifact": None if self.artifact is None else dict(self.artifact),
            "error": self.error,
            "stopped": self.stopped,
        }

    def load(self, state: dict[str, Any]) -> None:
        """The inverse of `state`.

        Raises:
            ValueError: it is none that training can go on from.
        """
        self.history = [EpochScore(int(past[0]), *map(float, past[1:])) for past in state["history"]]
        self.best = _predictions_of(state["best"])
        self.honest = _predictions_of(state["honest"])
        self.artifact = state["artifact"]
        self.error = state["error"]
        self.stopped = bool(state["stopped"])
        reached = [self.best, self.honest, self.artifact]
        if any(found is None for found in reached) != (not self.history):
            raise ValueError("epochs without predictions or an artifact")


def drop_diverged(members: Sequence[MemberProgress], alive_S: Tensor, step: int) -> None:
    """Note for each member whose loss or outputs are no longer finite why it has no result."""
    for member, alive in zip(members, alive_S.tolist(), strict=True):
        if not alive and member.error is None:
            member.error = f"the training became NaN or infinite before step {step}; a lower lr may help"


def _predictions_state(predictions: Predictions | None) -> list[Any] | None:
    if predictions is None:
        return None
    return [predictions.epoch, list(predictions.values), predictions.statistics_IM.tolist()]


def _predictions_of(state: list[Any] | None) -> Predictions | None:
    if state is None:
        return None
    epoch, values, statistics = state
    return Predictions(epoch, tuple(values), np.asarray(statistics, dtype=np.float64))
