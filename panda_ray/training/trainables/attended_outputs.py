"""SESoM (Peng et al., 2023, https://arxiv.org/abs/2210.12587): each row mixes what several frozen models say of it.

A model is a frozen prompt with its head, and its outputs on a row are z_j. A row's word embeddings, pooled by their
maximum, become a query h_x = LayerNorm(W_up SiLU(W_down x)), outputs become keys h_j likewise through a bottleneck of
their own, and the row's outputs are sum_j a_j z_j with a = softmax(h_j . h_x / sqrt(D)). Where every token has outputs,
every token has shares, too. The keys' norm has no bias: it would add the same to all products, which a softmax ignores.

The outputs are the features here, so a head that changes nothing stands behind them. No gradient goes into a backbone.

Shape letters: S members, n sources, Q sources of all members (member-major), R rows of a block (member-major), B of a
member, X tokens read of a row, Y = B * X, C outputs, D hidden size and width of queries, M width of a bottleneck,
L layers, K = 2 (keys, values), N key/value heads, P prompt length, H head size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.prompts.heads import apply_heads
from panda_ray.training.config import TrainConfig
from panda_ray.training.trainables.leaves import NamedLeaves
from panda_ray.training.trainables.row_queries import projected, queries
from panda_ray.training.trainables.trainable import Pass

QUERY = ("query.down", "query.up", "query.norm.weight", "query.norm.bias")
KEY = ("key.down", "key.up", "key.norm.weight")
_FROZEN = ("sources", "source.weight", "source.bias")


class AttendedOutputs(NamedLeaves):
    """Members may have different numbers of sources.

    Args:
        parts: with frozen `sources` (n, L, K, N, P, H) and their heads, `source.weight` (n, C, D) and `source.bias`
            (n, C); trained `query.down` (M, D), `query.up` (D, M), `query.norm.weight`, `query.norm.bias` and
            `key.norm.weight` (D,), `key.down` (M, C) and `key.up` (D, M).
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> None:
        self._frozen = [{name: part[name].float().to(backbone.device) for name in _FROZEN} for part in parts]
        super().__init__(parts, (*QUERY, *KEY), backbone.device)
        self._position_offset = config.position_offset

    def keep(self, members: Sequence[int]) -> None:
        super().keep(members)
        self._frozen = [self._frozen[member] for member in members]

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        with torch.no_grad():
            of_sources = run.backbone.forward(
                [self._for_each_source(block) for block in blocks],
                self._joined("sources"),
                position_offset=self._position_offset,
                dropout=run.dropout,
                pooled_only=run.pooled_only,
            )
            outputs = [self._outputs(run, features) for features in of_sources]
        return [self._mixed(run, *each) for each in zip(blocks, outputs, strict=True)]

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        return {
            **self.copies(member),
            **{name: tensor.cpu().clone() for name, tensor in self._frozen[member].items()},
            "position_offset": torch.tensor(self._position_offset),
        }

    @property
    def _counts(self) -> list[int]:
        return [len(frozen["sources"]) for frozen in self._frozen]

    def _joined(self, name: str) -> Tensor:
        """What the sources of all members have of that name, (Q, ...)."""
        return torch.cat([frozen[name] for frozen in self._frozen])

    def _for_each_source(self, block: Tokens) -> Tokens:
        """The rows of each member as often as it has sources."""
        member_Q = torch.tensor([member for member, count in enumerate(self._counts) for _ in range(count)])
        at_Q = member_Q.to(block.input_ids_RT.device)

        def repeated(of_rows: Tensor) -> Tensor:
            return of_rows.reshape(len(self._counts), -1, *of_rows.shape[1:])[at_Q].flatten(0, 1)

        return Tokens(
            repeated(block.input_ids_RT), repeated(block.token_type_ids_RT), repeated(block.lengths_R), block.padded
        )

    def _outputs(self, run: Pass, features: Features) -> Tensor:
        """z of each source, (S, n, Y, C); zero where a member has fewer."""
        read_RXD = features.pooled_RD.unsqueeze(1) if run.pooled_only else features.hidden_RTD
        read_QYD = read_RXD.float().reshape(sum(self._counts), -1, read_RXD.shape[-1])
        output_QYC = apply_heads(read_QYD, self._joined("source.weight"), self._joined("source.bias"))
        return pad_sequence(list(torch.split(output_QYC, self._counts)), batch_first=True)

    def _mixed(self, run: Pass, block: Tokens, output_SnYC: Tensor) -> Features:
        query_SBD = queries(run.backbone, block, *(self._leaves[name] for name in QUERY))
        members, sources, _, outputs = output_SnYC.shape
        output_SnBXC = output_SnYC.reshape(members, sources, query_SBD.shape[1], -1, outputs)
        share_SnBX = self._shares(query_SBD, output_SnBXC)
        mixed_RXC = torch.einsum("snbx,snbxc->sbxc", share_SnBX, output_SnBXC).flatten(0, 1)
        return Features(mixed_RXC, mixed_RXC[:, 0] if run.pooled_only else None)

    def _shares(self, query_SBD: Tensor, output_SnBXC: Tensor) -> Tensor:
        """What each source gets of each row or token, (S, n, B, X)."""
        down_SMC, up_SDM, weight_SD = (self._leaves[name] for name in KEY)
        normed_SZD = projected(output_SnBXC.flatten(1, 3), down_SMC, up_SDM)
        key_SnBXD = (normed_SZD * weight_SD.unsqueeze(1)).reshape(*output_SnBXC.shape[:4], -1)
        score_SnBX = torch.einsum("sbd,snbxd->snbx", query_SBD, key_SnBXD) / math.sqrt(query_SBD.shape[2])
        most = output_SnBXC.shape[1]
        absent = [[place >= count for place in range(most)] for count in self._counts]
        absent_Sn11 = torch.tensor(absent, device=score_SnBX.device)[:, :, None, None]
        return score_SnBX.masked_fill(absent_Sn11, -torch.inf).softmax(dim=1)
