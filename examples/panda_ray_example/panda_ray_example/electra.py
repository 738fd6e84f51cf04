"""An architecture: ELECTRA, which is BERT with word embeddings of a width of their own, and without a pooler.

Shape letters: X tokens of all blocks, Y rows of all blocks, D hidden size.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from panda_ray.backbones.encoders.bert import BERT, BertEncoder

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.backbones.forward.forward_pass import ForwardPass


class ElectraEncoder(BertEncoder):
    """Args:
    model: `ElectraModel`.
    """

    def embed(self, input_ids_1X: Tensor, token_type_ids_1X: Tensor, run: ForwardPass) -> Tensor:
        embedded = super().embed(input_ids_1X, token_type_ids_1X, run)
        if self._model.config.embedding_size != self._model.config.hidden_size:
            embedded = self._model.embeddings_project(embedded)
        return embedded

    def pool(self, hidden_YD: Tensor) -> Tensor:
        return hidden_YD


ELECTRA = replace(BERT, name="electra", encoder=ElectraEncoder, pooler="")
