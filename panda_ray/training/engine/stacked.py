"""Stacked training: many members in one forward pass of the one frozen backbone they share.

S members x B examples are S * B rows of one batch, each row with what its member trains. Members share nothing that is
trained, and the loss is a mean per member and a *sum* over members, so each member's gradient is the one it would have
alone. So a member that diverged, or that somebody stops, leaves at the end of an epoch: its rows are computed no more.

Several workers train one stack data parallel: each takes its part of every step's examples, and gradients are summed
before they are clipped. Parameters, optimiser and results are then equal on all of them; only dropout differs.

Shape letters: S members, B examples per step, E training examples, R = S * B * K rows, K rows per example,
G blocks of a chunk.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone
from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.errors import InputError
from panda_ray.seeding import derive_seed
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.training.checkpoint import CheckpointSlot
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.batching import epoch_order
from panda_ray.training.engine.collective import SOLO, Collective
from panda_ray.training.engine.epoch_report import EpochReport, OnEpoch
from panda_ray.training.engine.halting import Halt, HaltedError, never
from panda_ray.training.engine.losses.step_gradients import StepGradients
from panda_ray.training.engine.losses.step_losses import StepLosses
from panda_ray.training.engine.losses.teacher import Teachers
from panda_ray.training.engine.passes.evaluation import evaluate_stack
from panda_ray.training.engine.stack.member_progress import MemberProgress, drop_diverged
from panda_ray.training.engine.stack.optimizer import clip_gradients, make_optimizer, schedule_factor
from panda_ray.training.engine.stack.saving import Saving
from panda_ray.training.engine.stack.stack_model import StackModel
from panda_ray.training.engine.stack.state import StackState, UnusableStateError, unpack
from panda_ray.training.member import SELECTING, Member, MemberResult
from panda_ray.training.steps import Steps


def train_stack(
    backbone: Backbone,
    task: EncodedTask,
    members: Sequence[Member],
    config: TrainConfig,
    *,
    checkpoint: CheckpointSlot | None = None,
    checkpoint_seconds: float = 60.0,
    on_epoch: OnEpoch = lambda _: None,
    halt: Halt = never,
    collective: Collective = SOLO,
) -> list[MemberResult]:
    """Train the members side by side; one result each, in their order. Without epochs they are evaluated once.

    A member whose loss or outputs stop being finite is dropped: its result has an `error`. One that `on_epoch` stops
    before the last epoch has a result that is `stopped`, as of that epoch. Their neighbours go on alone, with the same
    numbers but for rounding (sums over fewer rows), and but for the draws of dropout.
    With several workers, all of them call this with equal arguments and get equal results. They equal those of one
    worker but for rounding, and but for the draws of dropout.

    Args:
        task: encoded with the backbone's tokenizer.
        config: shared by all members; only the learning rate is a member's own.
        checkpoint: where to continue from and where to save to; the result is the same with or without it. Rank 0 alone
            uses it. It may have been saved by another number of workers.
        checkpoint_seconds: shortest time between two saves.
        on_epoch: called after each evaluation, on every worker; what rank 0 stops is stopped on all of them. A state
            is saved after it, so a resumed training asks again at the most about the epochs that it repeats.
        halt: asked at every step, and in the passes over whole data sets where one worker trains alone. What one of
            several workers hears ends them all, after the same step.
        collective: the workers that train this stack together.

    Raises:
        HaltedError: `halt` said so; a state is saved with which no step is lost.
        InputError: prompt and texts need more positions than the backbone has, or there are more workers than examples.
        torch.OutOfMemoryError: the stack is too wide for the device.
        LostPeerError: another worker is gone.
    """
    _check_shares(task, collective.size)
    backbone.check_fits(config.prompt_len, config.max_len, config.position_offset)
    with torch.random.fork_rng(devices=backbone.devices if backbone.device.type == "cuda" else []):
        saving = Saving(checkpoint, checkpoint_seconds, collective)
        run = _Run(backbone, task, members, config, saving, halt, collective)
        try:
            while not run.ended:
                run.train_epoch()
                report = run.evaluate()
                stopping = on_epoch(report)
                run.leave(stopping or ())
        except HaltedError:
            run.save()
            raise
    return run.results()


class _Run:
    """One stack while it trains."""

    def __init__(
        self,
        backbone: Backbone,
        task: EncodedTask,
        members: Sequence[Member],
        config: TrainConfig,
        saving: Saving,
        halt: Halt,
        collective: Collective,
    ) -> None:
        self._collective, self._halt = collective, halt
        # Between steps several workers agree on nothing, and one that left would be waited for.
        self._halt_alone = halt if collective.size == 1 else never
        self._backbone, self._spec, self._config = backbone, task.spec, config
        self._all_members = members
        self._saving = saving
        self._train = RowReader(task.train.to(backbone.device))
        self._dev = RowReader(task.dev.to(backbone.device))
        self._steps = Steps.of(config, task.train.examples)
        self._begin()
        self._resume()
        if self._state.workers[-1:] != [collective.size]:
            self._state.workers.append(collective.size)
        self._members = [members[index] for index in self._state.living]
        distillations = {
            index: member.distillation for index, member in enumerate(self._members) if member.distillation is not None
        }
        self._teachers = Teachers(
            backbone, self._spec.kind, self._train, distillations, config, collective=collective, halt=self._halt_alone
        )
        losses = StepLosses(backbone, self._spec.kind, self._train, self._state.model, self._teachers, config)
        self._gradients = StepGradients(losses, self._train, self._state, collective, halt)
        self._started = time.monotonic()
        self._examples_seen = 0

    def _begin(self) -> None:
        """The state before the first step."""
        members, backbone, config = self._all_members, self._backbone, self._config
        torch.manual_seed(derive_seed(members[0].seed, "dropout", len(members)))
        model = StackModel.fresh(
            members,
            config,
            backbone,
            outputs=self._spec.output_size,
            has_bias=self._spec.kind.has_head_bias,
        )
        self._trained = sum(leaf[0].numel() for leaf in model.trainable.leaves.values())
        self._state = StackState(
            model,
            make_optimizer(model.leaves.values(), members, config),
            loss_sum_S=torch.zeros(len(members), device=backbone.device),
            alive_S=torch.ones(len(members), dtype=torch.bool, device=backbone.device),
            progress=[MemberProgress(member, config.protocol) for member in members],
            living=list(range(len(members))),
            workers=[],
        )

    @property
    def ended(self) -> bool:
        """Every step is done and evaluated, or nobody is left to do them."""
        return not self._members or (self._state.step >= self._steps.total and not self._lacks_evaluation)

    @property
    def _lacks_evaluation(self) -> bool:
        """The steps of an epoch are done, or there are none at all, and no evaluation has followed yet."""
        state = self._state
        evaluated = len(state.progress[state.living[0]].history)
        return self._steps.ends_epoch(state.step) and evaluated < max(1, self._steps.epoch_of(state.step))

    def results(self) -> list[MemberResult]:
        """What each member has reached, also those that left."""
        trained, workers = self._trained, (*self._state.workers,)
        return [
            replace(member.result(), trained_parameters=trained, workers=workers) for member in self._state.progress
        ]

    def train_epoch(self) -> None:
        """Optimiser steps up to the end of the current epoch, or of the training; none where it lacks evaluation."""
        if self._lacks_evaluation:
            return
        state, steps = self._state, self._steps
        seeds = [member.seed for member in self._members]
        order_SE = epoch_order(seeds, state.step // steps.per_epoch, self._train.split.examples)
        for index_SB in torch.split(order_SE, self._config.batch_size, dim=1)[steps.left_of_epoch(state.step)]:
            self._train_step(index_SB)
            if not steps.ends_epoch(state.step):
                self._saving.save_when_due(
                    state
                )  # at an epoch's end only after its evaluation, which a resume would skip

    def _train_step(self, index_SB: Tensor) -> None:
        """One optimiser step: gradients of all chunks add up to the gradient of the whole batch.

        Raises:
            HaltedError: once the step is done.
        """
        state = self._state
        factor = schedule_factor(self._config, state.step, self._steps)
        state.optimizer.zero_grad()
        loss_S, is_asked = self._gradients.put(index_SB, dropout_seed=self._dropout_seed(state.step))
        clip_gradients(state.model.leaves.values(), self._config.grad_clip)
        state.optimizer.step(factor)
        state.loss_sum_S += loss_S
        self._examples_seen += index_SB.numel()
        state.step += 1
        if is_asked:
            raise HaltedError

    def _dropout_seed(self, step: int) -> int:
        """Of this worker at a step of several: workers differ, and a checkpoint need not hold the streams of all."""
        return derive_seed(self._members[0].seed, "dropout", len(self._members), self._collective.rank, step)

    def evaluate(self) -> EpochReport:
        """Scores of all members after an epoch.

        Raises:
            HaltedError: half way; nothing has changed.
        """
        state = self._state
        epoch = self._steps.epoch_of(state.step)
        losses = (state.loss_sum_S / (state.step - (epoch - 1) * self._steps.per_epoch)).tolist()
        evaluations = evaluate_stack(
            self._backbone, self._spec, self._dev, state.model, self._config, self._collective, self._halt_alone
        )
        finite = [evaluation is not None for evaluation in evaluations]
        state.alive_S &= torch.tensor(finite, device=state.alive_S.device)
        progress = [state.progress[member] for member in state.living]
        drop_diverged(progress, state.alive_S, state.step)
        scores: dict[str, float] = {}
        selecting: dict[str, float] = {}
        by = SELECTING[self._config.protocol]
        for row, (member, evaluation) in enumerate(zip(progress, evaluations, strict=True)):
            if member.goes_on and evaluation is not None:
                artifact = state.model.artifact(row) if self._members[row].is_kept else {}
                member.record(epoch, losses[row], evaluation, artifact)
                scores[self._members[row].name] = evaluation.score
                selecting[self._members[row].name] = getattr(evaluation, by)
        state.loss_sum_S.zero_()
        seconds = time.monotonic() - self._started
        return EpochReport(
            epoch=epoch,
            epochs=self._steps.evaluations,
            losses={member.name: loss for member, loss in zip(self._members, losses, strict=True)},
            scores=scores,
            selecting=selecting,
            examples_per_second=self._examples_seen / seconds,
            seconds=seconds,
        )

    def leave(self, stopping: Collection[str]) -> None:
        """Go on without those that diverged, and without those that stop here; saves, because an epoch ends here.

        Args:
            stopping: names; of nobody after the last step.
        """
        state, at_end = self._state, self._state.step == self._steps.total
        stopping = self._collective.share(lambda: stopping)
        for index, member in zip(state.living, self._members, strict=True):
            state.progress[index].stopped = member.name in stopping and not at_end
        rows = state.drop_ended()
        if len(rows) < len(self._members):
            self._members = [self._members[row] for row in rows]
            self._teachers.keep(rows)
        if self.ended:  # results are published one by one after it
            self.save()
        else:
            self._saving.save_when_due(state)

    def save(self) -> None:
        """Save the state as it is."""
        self._saving.save(self._state)

    def _resume(self) -> None:
        if (found := self._saving.found()) is None:
            return
        try:
            unpack(found, self._state)
            if not 0 <= self._state.step <= self._steps.total:
                raise UnusableStateError(f"step {self._state.step} of {self._steps.total}")
        except UnusableStateError:
            self._begin()


def _check_shares(task: EncodedTask, workers: int) -> None:
    examples = min(task.train.examples, task.dev.examples)
    if workers > examples:
        raise InputError(
            f"task {task.spec.name!r} has a split of {examples} examples, too few for {workers} workers; "
            "lower resources.max_workers"
        )
