"""Operations of the operators of the CPU that PyTorch's counter has no formula for; it hands shapes to each formula."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch.utils.flop_counter import sdpa_backward_flop_count, sdpa_flop_count


def _attention_forward(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]


def _attention_backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_backward_flop_count(gradient, query, key, value))  # type: ignore[no-untyped-call]


def _linear(inputs: Any, weight: Any, *_: Any, **__: Any) -> int:
    return 2 * int(prod(inputs)) * int(weight[0])


FORMULAS = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_forward,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}
"""For `FlopCounterMode(custom_mapping=...)`."""
if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
    FORMULAS[torch.ops.mkldnn._linear_pointwise] = _linear
