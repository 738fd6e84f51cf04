"""What a row asks of several sources: LayerNorm(W_up SiLU(W_down x)) of its pooled word embeddings (Asai et al., 2022).

Shape letters: S members, B rows of a member, R = S * B, T tokens, W width of word embeddings, M width of the
bottleneck, G width of a query, I width of an input, X of whatever has one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from panda_ray.backbones.backbone import Backbone
from panda_ray.backbones.forward.blocks import Tokens


def queries(
    backbone: Backbone, block: Tokens, down_SMW: Tensor, up_SGM: Tensor, weight_SG: Tensor, bias_SG: Tensor
) -> Tensor:
    """The query of every row, (S, B, G).

    Args:
        weight_SG, bias_SG: of the norm.
    """
    words_RTW = backbone.word_embeddings(block.input_ids_RT).float()
    place_T = torch.arange(block.input_ids_RT.shape[1], device=backbone.device)
    is_padding_RT = place_T >= block.lengths_R.unsqueeze(1)
    pooled_RW = words_RTW.masked_fill(is_padding_RT.unsqueeze(2), -torch.inf).amax(dim=1)
    pooled_SBW = pooled_RW.view(len(down_SMW), -1, pooled_RW.shape[1])
    return projected(pooled_SBW, down_SMW, up_SGM) * weight_SG.unsqueeze(1) + bias_SG.unsqueeze(1)


def projected(input_SXI: Tensor, down_SMI: Tensor, up_SGM: Tensor) -> Tensor:
    """Each member's inputs through its bottleneck, normalised, (S, X, G)."""
    narrow_SXM = F.silu(torch.einsum("sxi,smi->sxm", input_SXI, down_SMI))
    wide_SXG = torch.einsum("sxm,sgm->sxg", narrow_SXM, up_SGM)
    return F.layer_norm(wide_SXG, wide_SXG.shape[-1:])
