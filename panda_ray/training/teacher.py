"""What students imitate. A teacher is frozen and in evaluation mode, so its outputs on the training set are constants.

They are computed once for all members of a stack and looked up at every step. A teacher that has no head of its own
speaks through the student's head, which moves; then its *features* are the constants. Token-level features of a large
training set do not fit into memory: beyond a budget they are computed again for each step's rows.

Shape letters: S members, M members with a teacher, E examples, B examples of a step, X rows or tokens, D hidden size,
C outputs, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Tokens
from panda_ray.backbones.rows import RowReader
from panda_ray.tasks.task import Kind
from panda_ray.training.collective import SOLO, Collective
from panda_ray.training.config import TrainConfig
from panda_ray.training.inference import autocast, outputs_by_batch
from panda_ray.training.member import Distillation
from panda_ray.training.objective import PADDING_LOGIT, TOKEN_KINDS, head_input, head_outputs

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
    """

    def __init__(
        self,
        backbone: Backbone,
        kind: Kind,
        reader: RowReader,
        distillations: dict[int, Distillation],
        config: TrainConfig,
        cache_bytes: int = CACHE_BYTES,
        collective: Collective = SOLO,
    ) -> None:
        self._backbone, self._kind, self._reader, self._config = backbone, kind, reader, config
        self._distillations = distillations
        self._collective = collective
        self._cache: dict[int, Tensor] = {}
        own_head = [index for index, each in distillations.items() if not each.student_head]
        if own_head:
            self._cache_outputs(own_head)
        borrowed = [index for index, each in distillations.items() if each.student_head]
        if borrowed and self._feature_bytes(len(borrowed)) <= cache_bytes:
            self._cache_features(borrowed)
        for index in sorted(self._cache):
            collective.sum(self._cache[index])  # zero where another worker computed it

    def outputs(self, member: int, example_B: Tensor, tokens: Tokens, weight_CD: Tensor, bias_C: Tensor) -> Tensor:
        """Outputs (B, ..., C) of one member's teacher for the examples of a step, without gradient.

        Args:
            tokens: the rows of these examples, cut to the step's longest row.
            weight_CD, bias_C: the student's head, used where the teacher has none of its own.
        """
        length = tokens.input_ids_RT.shape[1]
        if not self._distillations[member].student_head:
            stored = self._cache[member][example_B.to(self._cache[member].device)]
            if self._kind == "tagging":
                return stored[:, :length]
            return stored[..., :length] if self._kind == "extractive_qa" else stored
        with torch.no_grad():
            read_1XD = self._features(member, example_B, tokens)
            rows_per_example = self._reader.split.rows_per_example
            heads = weight_CD.detach().unsqueeze(0), bias_C.detach().unsqueeze(0)
            return head_outputs(self._kind, read_1XD, *heads, tokens, rows_per_example)[0]

    def _features(self, member: int, example_B: Tensor, tokens: Tokens) -> Tensor:
        """What the student's head reads of its teacher, (1, X, D)."""
        if member in self._cache:
            stored = self._cache[member][example_B.to(self._cache[member].device)]
            if self._kind in TOKEN_KINDS:
                stored = stored[:, : tokens.input_ids_RT.shape[1]]
            return stored.reshape(1, -1, stored.shape[-1])
        prefix_1LKNPH = self._prefixes([member])
        with autocast(self._config, self._backbone.device):
            features = self._backbone.forward(tokens, prefix_1LKNPH, position_offset=self._config.position_offset)
        return head_input(self._kind, features, 1)

    def _cache_outputs(self, members: Sequence[int]) -> None:
        """One pass over the training set for all teachers that have their own head."""
        device = self._backbone.device
        weight_MCD = torch.stack([self._distillations[index].teacher.head_weight_CD for index in members]).to(device)
        bias_MC = torch.stack([self._distillations[index].teacher.head_bias_C for index in members]).to(device)
        batches = outputs_by_batch(
            self._backbone,
            self._kind,
            self._reader,
            self._prefixes(members),
            weight_MCD,
            bias_MC,
            self._config,
            self._collective,
        )
        for example_B, output in batches:
            if self._kind == "tagging":
                self._store(members, example_B, self._pad(output, dim=2, value=0.0))
            elif self._kind == "extractive_qa":
                self._store(members, example_B, self._pad(output, dim=3, value=PADDING_LOGIT))
            else:
                self._store(members, example_B, output)

    @torch.no_grad()
    def _cache_features(self, members: Sequence[int]) -> None:
        """One pass over the training set for all teachers that speak through a student's head."""
        prefix_MLKNPH = self._prefixes(members)
        for example_B in self._reader.by_length(_FEATURE_BATCH, self._collective.rank, self._collective.size):
            tokens = self._reader.tokens(example_B.repeat(len(members)))
            with autocast(self._config, self._backbone.device):
                features = self._backbone.forward(tokens, prefix_MLKNPH, position_offset=self._config.position_offset)
            read_MXD = head_input(self._kind, features, len(members))
            read_MBXD = read_MXD.reshape(len(members), len(example_B), -1, read_MXD.shape[-1])
            if self._kind in TOKEN_KINDS:
                read_MBXD = self._pad(read_MBXD, dim=2, value=0.0)
            self._store(members, example_B, read_MBXD)

    def _store(self, members: Sequence[int], example_B: Tensor, batch: Tensor) -> None:
        """Keep a batch (M, B, ...)."""
        for position, member in enumerate(members):
            if member not in self._cache:
                self._cache[member] = batch.new_zeros((self._reader.split.examples, *batch.shape[2:]))
            self._cache[member][example_B.to(batch.device)] = batch[position]

    def _pad(self, batch: Tensor, dim: int, value: float) -> Tensor:
        """Extend the token dimension to the split's longest row, so that all examples have one shape."""
        missing = self._reader.split.input_ids_RT.shape[1] - batch.shape[dim]
        behind = [0, 0] * (batch.dim() - 1 - dim)
        return F.pad(batch, [*behind, 0, missing], value=value)

    def _prefixes(self, members: Sequence[int]) -> Tensor:
        prefixes = [self._distillations[index].teacher.prefix_LKNPH for index in members]
        return torch.stack(prefixes).to(self._backbone.device)

    def _feature_bytes(self, members: int) -> int:
        split = self._reader.split
        tokens = split.input_ids_RT.shape[1] if self._kind in TOKEN_KINDS else 1
        return members * len(split.input_ids_RT) * tokens * self._backbone.geometry.hidden * 4
