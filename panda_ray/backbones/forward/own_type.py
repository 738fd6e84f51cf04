"""Weights in the type of their checkpoint: matrices stay as narrow as they were saved, everything else is float32.

What they are computed in is not theirs to say: a pass widens them as it goes, and its numbers are those of a model that
was loaded in float32, because every number of bfloat16 and of float16 is one of float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class WidenedEmbedding(nn.Embedding):
    """Word embeddings that are read in float32, whatever type their table has.

    Args:
        embedding: whose table it shares.
    """

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__(
            embedding.num_embeddings, embedding.embedding_dim, padding_idx=embedding.padding_idx, device="meta"
        )
        self.weight = embedding.weight

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).float()


def use_own_types(model: Any) -> None:
    """Keep linear layers and word embeddings of a transformers model in their type, and widen all the rest.

    The rest (norms, biases, embeddings of positions, convolutions) is small, and code of transformers computes with it.
    """
    words = model.get_input_embeddings()
    for module in model.modules():
        kept = module.weight if isinstance(module, nn.Linear) or module is words else None
        for parameter in module.parameters(recurse=False):
            if parameter is not kept and parameter.dtype.is_floating_point:
                parameter.data = parameter.data.to(torch.float32)
    model.set_input_embeddings(WidenedEmbedding(words))
