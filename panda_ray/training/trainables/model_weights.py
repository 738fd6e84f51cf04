"""Model tuning: every weight of the backbone is a member's own, and no member shares the frozen ones.

Members pass one after the other, each through a backbone that has its weights for so long. So a stack of several saves
nothing, and takes their memory together: planning makes stacks of one.

Shape letters: S members, R rows of a block (member-major), T tokens of a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.training.config import TrainConfig
from panda_ray.training.trainables.leaves import NamedLeaves
from panda_ray.training.trainables.trainable import Part, Pass


class ModelWeights(NamedLeaves):
    """All weights of each member.

    Args:
        parts: weights by their names in the model; those that a part lacks start as the backbone's.
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> None:
        whole = [{**backbone.weights, **part} for part in parts]
        super().__init__(whole, backbone.weights, backbone.device)

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        members = len(next(iter(self._leaves.values())))
        of_members = [
            run.backbone.forward_with(
                {name: leaf[member] for name, leaf in self._leaves.items()},
                [_rows_of(block, member, members) for block in blocks],
                dropout=run.dropout,
                pooled_only=run.pooled_only,
            )
            for member in range(members)
        ]
        return [Features.joined(parts) for parts in zip(*of_members, strict=True)]

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        return self.copies(member)


def model_weights_part() -> Part:
    """The backbone's weights as they are."""
    return Part(ModelWeights, {})


def _rows_of(block: Tokens, member: int, members: int) -> Tokens:
    """One member's rows of a block."""
    rows = len(block.lengths_R) // members
    own = slice(member * rows, (member + 1) * rows)
    return Tokens(block.input_ids_RT[own], block.token_type_ids_RT[own], block.lengths_R[own], block.padded)
