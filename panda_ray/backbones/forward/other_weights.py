"""Other weights in the place of a model's own, for as long as one function takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.func import functional_call

Computed = TypeVar("Computed")


class OtherWeights(nn.Module):
    """Functions that read a model, as a module: what `functional_call` puts other weights into."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., Any], *given: Any) -> Any:
        return function(*given)

    def during(self, weights: Mapping[str, Tensor], function: Callable[..., Computed], *given: Any) -> Computed:
        """What a function gives with these weights, some or all by their names in the model, in place."""
        own = dict(self.model.named_parameters())
        named = {f"model.{name}": weight.to(own[name].device) for name, weight in weights.items()}
        computed: Computed = functional_call(self, named, (function, *given))
        return computed
