"""ON (Su et al. 2022): overlap of the feed-forward neurons that two prompts switch on.

Read is an empty text, of which there are only the tokens that a tokenizer puts around every text: [CLS][SEP], or the
one that decoders begin with.

Shape letters: L layers, T tokens, F feed-forward size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from panda_ray.errors import InputError
from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.vectors import cosine

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.backbones import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask


class NeuronOverlap:
    """The embedding says which neurons are active (> 0) at position 0 of an empty text, (L, F) in {0, 1}."""

    name = "on"
    version = 1
    summary = "overlap of the neurons that the prompts activate on an empty text, [CLS][SEP] (Su et al.)"
    needs_prompt = True
    needs_data = False
    Options: type[MetricOptions] = MetricOptions

    def embedding(
        self, backbone: Backbone, prompt: Prompt, task: EncodedTask | None, options: MetricOptions
    ) -> NDArray[np.float32]:
        import torch

        from panda_ray.backbones import Tokens

        ids = backbone.tokenizer("")["input_ids"]
        if not ids:
            raise InputError(
                f"the metric {self.name!r} reads an empty text, of which the tokenizer of backbone {backbone.name!r} "
                "leaves no token; use another metric with this backbone"
            )
        input_ids_1T = torch.tensor([ids], device=backbone.device)
        tokens = Tokens(input_ids_1T, torch.zeros_like(input_ids_1T), torch.tensor([len(ids)], device=backbone.device))
        activations_L1TF: list[Tensor] = []
        with torch.no_grad(), backbone.recorded_activations(activations_L1TF):
            prefix_1LKNPH = prompt.prefix_LKNPH.unsqueeze(0).to(backbone.device)
            backbone.forward([tokens], prefix_1LKNPH, position_offset=prompt.position_offset)
        active_LF = torch.stack([layer_1TF[0, 0] for layer_1TF in activations_L1TF]) > 0
        embedding: NDArray[np.float32] = active_LF.float().cpu().numpy()
        return embedding

    def similarity(
        self, source: NDArray[np.float32] | None, target: NDArray[np.float32] | None, options: MetricOptions
    ) -> float:
        assert source is not None, "this metric has an embedding"
        assert target is not None, "this metric has an embedding"
        return cosine(source, target)
