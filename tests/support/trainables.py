"""Trainables that the package does not have: they say whether the seam carries more than prefixes.

Shape letters: S members, B rows of a member, R rows of a block (member-major), n source prompts, L layers, K = 2 (keys,
values), N key/value heads, P prompt length, H head size, D hidden size, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.training.config import TrainConfig
from panda_ray.training.trainables.leaves import host_copy, kept, leaf_of
from panda_ray.training.trainables.trainable import Pass


class AttendedPrompts:
    """Attention of each row over frozen prompts, which mixes them into a prefix of that row (as in ATTEMPT).

    Args:
        parts: with `sources` (n, L, K, N, P, H), which stay as they are, and trained `keys` (n, D).
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, device: torch.device) -> None:
        self._sources_SnLKNPH = torch.stack([part["sources"] for part in parts]).to(device)
        self._keys_SnD = leaf_of([part["keys"] for part in parts], device)
        self._position_offset = config.position_offset

    @property
    def leaves(self) -> Mapping[str, Tensor]:
        return {"keys": self._keys_SnD}

    def keep(self, members: Sequence[int]) -> None:
        self._sources_SnLKNPH = self._sources_SnLKNPH[[*members]]
        self._keys_SnD = kept(self._keys_SnD, members)

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        return [self._of_block(run, block) for block in blocks]

    def _of_block(self, run: Pass, block: Tokens) -> Features:
        with torch.no_grad():
            [plain] = run.backbone.forward([block], None, position_offset=True, pooled_only=True)
        asked_SBD = plain.pooled_RD.float().unflatten(0, (len(self._keys_SnD), -1))
        share_SBn = torch.einsum("sbd,snd->sbn", asked_SBD, self._keys_SnD).softmax(dim=-1)
        prefix_RLKNPH = torch.einsum("sbn,sn...->sb...", share_SBn, self._sources_SnLKNPH).flatten(0, 1)
        [features] = run.backbone.forward(
            [block],
            prefix_RLKNPH,
            position_offset=self._position_offset,
            dropout=run.dropout,
            pooled_only=run.pooled_only,
        )
        return features

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        return {"sources": host_copy(self._sources_SnLKNPH, member), "keys": host_copy(self._keys_SnD, member)}


class VirtualTokens:
    """Trained vectors between the first token and the others of every row, in the input alone (Lester et al., 2021).

    Args:
        parts: with `virtual_tokens` (P, D) each.
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, device: torch.device) -> None:
        self._virtual_SPD = leaf_of([part["virtual_tokens"] for part in parts], device)

    @property
    def leaves(self) -> Mapping[str, Tensor]:
        return {"virtual_tokens": self._virtual_SPD}

    def keep(self, members: Sequence[int]) -> None:
        self._virtual_SPD = kept(self._virtual_SPD, members)

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        return [self._of_block(run, block) for block in blocks]

    def _of_block(self, run: Pass, block: Tokens) -> Features:
        members, prompt_len, _ = self._virtual_SPD.shape
        longer = Tokens(
            _with_room(block.input_ids_RT, prompt_len),
            _with_room(block.token_type_ids_RT, prompt_len),
            block.lengths_R + prompt_len,
            block.padded,
        )
        rows, length = longer.input_ids_RT.shape
        with _put_in(run.backbone, self._virtual_SPD.repeat_interleave(rows // members, dim=0), length):
            [features] = run.backbone.forward(
                [longer], None, position_offset=True, dropout=run.dropout, pooled_only=run.pooled_only
            )
        if run.pooled_only:
            return features
        hidden_RTD = torch.cat([features.hidden_RTD[:, :1], features.hidden_RTD[:, 1 + prompt_len :]], dim=1)
        return replace(features, hidden_RTD=hidden_RTD)

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        return {"virtual_tokens": host_copy(self._virtual_SPD, member)}


def _with_room(x_RT: Tensor, places: int) -> Tensor:
    return torch.cat([x_RT[:, :1], x_RT.new_zeros((len(x_RT), places)), x_RT[:, 1:]], dim=1)


@contextmanager
def _put_in(backbone: Backbone, virtual_RPD: Tensor, length: int) -> Iterator[None]:
    """Rows of one block, so many tokens long, have these vectors behind their first one while the context lasts."""
    rows, places, _ = virtual_RPD.shape
    filled = rows * length  # what is behind it belongs to no row

    def put(_module: Any, inputs: tuple[Tensor], output_1XD: Tensor) -> Tensor:
        row_RTD = output_1XD[0, :filled].unflatten(0, (rows, -1))
        changed_RTD = torch.cat([row_RTD[:, :1], virtual_RPD, row_RTD[:, 1 + places :]], dim=1)
        return torch.cat([changed_RTD.flatten(0, 1), output_1XD[0, filled:]]).unsqueeze(0)

    handle = backbone._model.get_input_embeddings().register_forward_hook(put)
    try:
        yield
    finally:
        handle.remove()
