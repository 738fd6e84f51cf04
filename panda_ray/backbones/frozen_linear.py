"""Linear layers of a frozen backbone on a CPU, by oneDNN.

PyTorch multiplies float32 matrices on x86 with MKL, which takes kernels for AVX2 on processors that Intel did not make:
half the rate of oneDNN's for AVX-512 on an AMD EPYC (docs/LOG.md). oneDNN's operator comes without a gradient; where
weights are frozen that is one more product. Elsewhere (GPUs, autocast to bf16, PyTorch without oneDNN) layers are
PyTorch's own.

Shape letters: X tokens, I inputs, O outputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class FrozenLinear(nn.Linear):
    """`nn.Linear` whose weight and bias have no gradient; takes its place in a backbone.

    Args:
        linear: whose parameters it shares.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear.in_features, linear.out_features, linear.bias is not None, device="meta")
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, input: Tensor) -> Tensor:
        if input.is_cuda or input.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        output: Tensor = _Product.apply(input, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return output


class _Product(torch.autograd.Function):
    """x W^T + b with a gradient of x alone."""

    @staticmethod
    def forward(ctx: Any, x_XI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        ctx.weight_OI = weight_OI
        return _product(x_XI, weight_OI, bias_O)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_XO: Tensor) -> tuple[Tensor, None, None]:
        return _product(gradient_XO, ctx.weight_OI.t(), None), None, None


def _product(x_XI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
    # What `torch.compile` puts in the place of a linear layer on a CPU; there is no public name for it.
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x_XI, weight_OI, bias_O, "none", [], "")
    return product


def use_frozen_linear(model: nn.Module) -> None:
    """Put `FrozenLinear` in the place of every `nn.Linear` of a frozen model, where PyTorch has oneDNN."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Linear:
                setattr(module, name, FrozenLinear(child).train(child.training))
