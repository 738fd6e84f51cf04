"""What students imitate. A teacher is frozen and in evaluation mode, so its outputs on the training set are constants.

They are computed once for all members of a stack and looked up at every step. A teacher that has no head of its own
speaks through the student's head, which moves; then its *features* are the constants. Token-level features of a large
training set do not fit into memory: beyond a budget they are computed again for each step's rows.

Shape letters: S members, M members with a teacher, E examples, B examples of a step, b of one block, X rows or tokens,
D hidden size, C outputs, T tokens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from panda_ray.backbones.backbone import Backbone
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.tasks.kinds import TaskKind
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.collective import SOLO, Collective
from panda_ray.training.engine.halting import Halt, end_if_asked, never
from panda_ray.training.engine.losses.distillation import distillation_loss, mixture
from panda_ray.training.engine.losses.head_outputs import head_outputs
from panda_ray.training.engine.passes.inference import outputs_by_batch, read_examples
from panda_ray.training.engine.stack.stack_model import StackModel
from panda_ray.training.member import Distillation, KdLoss
from panda_ray.training.trainables.trainable import stacked

CACHE_BYTES = 2 << 30
"""Memory that one stack's teachers may take on the device."""
_FEATURE_BATCH = 64
"""Examples per pass when features are cached."""


class Teachers:
    """The teachers of a stack's members.

    Args:
        distillations: of the members that have one, by their position in the stack.
        cache_bytes: what does not fit is computed at each step instead; both give the same outputs.
        collective: workers that share the passes over the training set; each keeps all that they computed.

    Attributes:
        members: positions in the stack, in the order of `outputs`.

    Raises:
        HaltedError: between two batches of those passes.
    """

    def __init__(
        self,
        backbone: Backbone,
        kind: TaskKind,
        reader: RowReader,
        distillations: dict[int, Distillation],
        config: TrainConfig,
        cache_bytes: int = CACHE_BYTES,
        collective: Collective = SOLO,
        halt: Halt = never,
    ) -> None:
        self._backbone, self._kind, self._reader, self._config = backbone, kind, reader, config
        self._collective, self._halt = collective, halt
        self._arrange(distillations)
        self._outputs_ME: Tensor | None = self._all_outputs() if self._own_head else None
        fits = self._feature_bytes(len(self._borrowing)) <= cache_bytes
        self._features_MEXD: Tensor | None = self._all_features() if self._borrowing and fits else None

    def keep(self, members: Sequence[int]) -> None:
        """Go on with the teachers of these members alone, who have the positions of this list from now on."""
        own_head, borrowing = (
            [row for row, member in enumerate(part) if member in members] for part in (self._own_head, self._borrowing)
        )
        if self._outputs_ME is not None:
            self._outputs_ME = self._outputs_ME[own_head] if own_head else None
        if self._features_MEXD is not None:
            self._features_MEXD = self._features_MEXD[borrowing] if borrowing else None
        kept = {at: self._distillations[member] for at, member in enumerate(members) if member in self._distillations}
        self._arrange(kept)

    def outputs(self, chunk: Sequence[Tensor], length: int, weight_SCD: Tensor, bias_SC: Tensor) -> Tensor:
        """What every student imitates, (M, B, ..., C), for the examples of a chunk, without gradient.

        It is the outputs of its teacher, or the `mixture` of those of several.

        Args:
            chunk: blocks of examples (S, b); one block for kinds whose head reads every token.
            length: tokens of that block's longest row.
            weight_SCD, bias_SC: the students' heads, used where a teacher has none of its own.
        """
        index_SB = torch.cat(list(chunk), dim=1)
        parts = []
        if self._outputs_ME is not None:
            stored = _look_up(self._outputs_ME, index_SB[self._own_head])
            token_dim = self._kind.token_dim
            parts.append(stored if token_dim is None else stored.narrow(token_dim, 0, length))
        if self._borrowing:
            heads = weight_SCD.detach()[self._borrowing], bias_SC.detach()[self._borrowing]
            blocks, read_MXD = self._features([block_SB[self._borrowing] for block_SB in chunk], length)
            parts.append(head_outputs(self._kind, read_MXD, *heads, blocks, self._reader.split.rows_per_example))
        return torch.cat(parts)

    def losses(self, student: Tensor, teacher: Tensor, labels: Tensor, batch_size: int) -> Tensor:
        """What distillation adds to the loss of each member (S,), summed over what counts; 0 without a teacher.

        Args:
            student: outputs (S, B, ..., C).
            teacher: as `outputs` gave them, (M, B, ..., C).
            labels: (S, B, ...).
        """
        loss_S = student.new_zeros(len(student))
        factor_M = self._factor(batch_size)
        for (loss, mean_of_outputs, mixed, temperature), at in self._positions.items():
            members = torch.tensor([self.members[position] for position in at], device=student.device)
            divergence = distillation_loss(
                self._kind, loss, student[members], teacher[at], labels[members], mean_of_outputs, mixed, temperature
            )
            loss_S = loss_S.index_add(0, members, factor_M[at] * divergence)
        return loss_S

    def _arrange(self, distillations: dict[int, Distillation]) -> None:
        """Who has a teacher, and of which sort, in the order of the tables."""
        self._distillations = distillations
        self._own_head = [index for index, each in distillations.items() if not each.student_head]
        self._borrowing = [index for index, each in distillations.items() if each.student_head]
        self.members = [*self._own_head, *self._borrowing]
        self._positions: dict[tuple[KdLoss, bool, bool, float], list[int]] = defaultdict(list)
        for position, member in enumerate(self.members):
            each = distillations[member]
            compared = each.loss, each.reduction == "released_code", bool(each.shares), each.temperature
            self._positions[compared].append(position)
        self._factors: dict[int, Tensor] = {}

    def _factor(self, batch_size: int) -> Tensor:
        """Weight of each teacher (M,); made once per batch size, because the last batch of an epoch is smaller."""
        if batch_size not in self._factors:
            factors = [self._distillations[member].factor(batch_size) for member in self.members]
            self._factors[batch_size] = torch.tensor(factors, device=self._backbone.device)
        return self._factors[batch_size]

    def _features(self, chunk: Sequence[Tensor], length: int) -> tuple[list[Tokens], Tensor]:
        """What the students' heads read of the teachers that borrow them, (M, X, D), and its blocks."""
        if self._features_MEXD is None:
            return self._read(torch.cat(list(chunk), dim=1), length)
        read_MBXD = _look_up(self._features_MEXD, torch.cat(list(chunk), dim=1))
        blocks = []
        if self._kind.reads_tokens:
            blocks = [self._reader.tokens(block_MB, length) for block_MB in chunk]
            read_MBXD = read_MBXD[:, :, :length]
        return blocks, read_MBXD.flatten(1, 2)

    def _read(self, index_MB: Tensor, length: int | None) -> tuple[list[Tokens], Tensor]:
        """What students' heads read of examples, by a pass with the teachers that borrow them."""
        parts = [self._distillations[index].teachers[0] for index in self._borrowing]
        trainable = stacked(parts, self._config, self._backbone)
        return read_examples(self._backbone, self._kind, self._reader, index_MB, trainable, self._config, length)

    def _all_outputs(self) -> Tensor:
        """One pass over the training set for all teachers that have their own head, mixed: (M, E, ..., C)."""
        parts = [teacher for index in self._own_head for teacher in self._distillations[index].teachers]
        model = StackModel.kept(parts, self._config, self._backbone)
        table: Tensor | None = None
        for example_B, output in outputs_by_batch(
            self._backbone, self._kind, self._reader, model, self._config, self._collective, self._halt
        ):
            if self._kind.token_dim is not None:
                output = self._pad(output, self._kind.token_dim, self._kind.padding)  # noqa: PLW2901
            table = self._enter(table, example_B, self._mixed(output))
        return self._gathered(table)

    def _mixed(self, outputs: Tensor) -> Tensor:
        """What the students imitate, (M, B, ..., C), of the outputs of all their teachers."""
        students = [self._distillations[index] for index in self._own_head]
        parts = torch.split(outputs, [len(each.teachers) for each in students])
        return torch.stack(
            [
                mixture(self._kind, each.loss, each.shares, part, each.temperature) if each.shares else part[0]
                for each, part in zip(students, parts, strict=True)
            ]
        )

    def _all_features(self) -> Tensor:
        """One pass over the training set for all teachers that speak through a student's head: (M, E, X, D)."""
        members = len(self._borrowing)
        table: Tensor | None = None
        for example_B in self._reader.by_length(_FEATURE_BATCH, self._collective.rank, self._collective.size):
            end_if_asked(self._halt)
            _, read_MXD = self._read(example_B.repeat(members, 1), None)
            read_MBXD = read_MXD.reshape(members, len(example_B), -1, read_MXD.shape[-1])
            if self._kind.reads_tokens:
                read_MBXD = self._pad(read_MBXD, dim=2, value=0.0)
            table = self._enter(table, example_B, read_MBXD)
        return self._gathered(table)

    def _enter(self, table: Tensor | None, example_B: Tensor, batch: Tensor) -> Tensor:
        """Put a batch (M, B, ...) into the table (M, E, ...), which its first batch makes."""
        if table is None:
            table = batch.new_zeros((len(batch), self._reader.split.examples, *batch.shape[2:]))
        table[:, example_B.to(batch.device)] = batch
        return table

    def _gathered(self, table: Tensor | None) -> Tensor:
        assert table is not None, "no worker is without examples"
        self._collective.sum(table)  # zero where another worker computed it
        return table

    def _pad(self, batch: Tensor, dim: int, value: float) -> Tensor:
        """Extend the token dimension to the split's longest row, so that all examples have one shape."""
        missing = self._reader.split.input_ids_RT.shape[1] - batch.shape[dim]
        behind = [0, 0] * (batch.dim() - 1 - dim)
        return F.pad(batch, [*behind, 0, missing], value=value)

    def _feature_bytes(self, members: int) -> int:
        split = self._reader.split
        tokens = split.input_ids_RT.shape[1] if self._kind.reads_tokens else 1
        return members * len(split.input_ids_RT) * tokens * self._backbone.geometry.hidden * 4


def _look_up(table: Tensor, index_MB: Tensor) -> Tensor:
    """Entries (M, B, ...) of a table (M, E, ...)."""
    member_M1 = torch.arange(len(table), device=table.device).unsqueeze(1)
    return table[member_M1, index_MB.to(table.device, non_blocking=True)]
