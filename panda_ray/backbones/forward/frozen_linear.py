"""Linear layers of a frozen backbone: what may be done once because weights never change, and oneDNN on a CPU.

Autocast casts a frozen weight at every use, because it remembers only what has a gradient; here it is cast once.
A weight that a checkpoint holds in a narrow type is cast to that of the product for each one, forward and backward, so
that no more than one layer is there twice.

PyTorch multiplies float32 matrices on x86 with MKL, which takes kernels for AVX2 on processors that Intel did not make:
half the rate of oneDNN's for AVX-512 on an AMD EPYC (docs/LOG.md). oneDNN's operator comes without a gradient; where
weights are frozen that is one more product. The operator is private to PyTorch, so a process uses it only after it gave
the right products once. On GPUs, and where the operator is missing or wrong, products are PyTorch's own.

Shape letters: X tokens, I inputs, O outputs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class FrozenLinear(nn.Linear):
    """`nn.Linear` whose weight and bias have no gradient; takes its place in a backbone.

    Args:
        linear: whose parameters it shares; they stay on the device that they are on.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear.in_features, linear.out_features, linear.bias is not None, device="meta")
        self.weight, self.bias = linear.weight, linear.bias
        self._cast: tuple[Tensor, Tensor | None] | None = None
        """Weight and bias in the type that autocast asked for last."""
        self._cast_of: Tensor | None = None
        """The weight that they were cast of: an evaluation between steps of model tuning puts others in place."""

    def forward(self, input: Tensor) -> Tensor:
        if self.weight.requires_grad:  # a training of all weights has put its own in place
            return super().forward(input)
        device = input.device.type
        if torch.is_autocast_enabled(device):
            return self._under_autocast(input, torch.get_autocast_dtype(device))
        if input.dtype != self.weight.dtype or _onednn_multiplies(input):
            output: Tensor = _Product.apply(input, self.weight, self.bias)  # type: ignore[no-untyped-call]
            return output
        return super().forward(input)

    def _under_autocast(self, input: Tensor, dtype: torch.dtype) -> Tensor:
        if self.weight.dtype in (torch.float32, dtype):
            return F.linear(input, *self._cast_to(dtype))
        # As wide as its cast: whoever kept both would have the model twice.
        bias = None if self.bias is None else self.bias.to(dtype)
        output: Tensor = _Product.apply(input.to(dtype), self.weight, bias)  # type: ignore[no-untyped-call]
        return output

    def _cast_to(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        if self._cast is None or self._cast[0].dtype != dtype or self._cast_of is not self.weight:
            self._cast = self.weight.to(dtype), None if self.bias is None else self.bias.to(dtype)
            self._cast_of = self.weight
        return self._cast


class _Product(torch.autograd.Function):
    """x W^T + b with a gradient of x alone."""

    @staticmethod
    def forward(ctx: Any, x_XI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        ctx.weight_OI = weight_OI
        return _best_product(x_XI, weight_OI.to(x_XI.dtype), bias_O)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_XO: Tensor) -> tuple[Tensor, None, None]:
        return _best_product(gradient_XO, ctx.weight_OI.to(gradient_XO.dtype).t(), None), None, None


def _onednn_multiplies(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32 and onednn_is_right()


def _best_product(x_XI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
    return (_product if _onednn_multiplies(x_XI) else F.linear)(x_XI, weight_OI, bias_O)


def _product(x_XI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
    # What `torch.compile` puts in the place of a linear layer on a CPU; there is no public name for it.
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x_XI, weight_OI, bias_O, "none", [], "")
    return product


@cache
def onednn_is_right() -> bool:
    """Whether oneDNN's operator is there and gives what PyTorch's own layer gives; found out once per process."""
    try:
        return all(_same_products(*shape) for shape in _CHECKED_SHAPES)
    except (AttributeError, RuntimeError, TypeError):  # no such operator, or one that takes other arguments
        return False


_CHECKED_SHAPES = (((1,), 1, 1), ((7,), 24, 40), ((1, 33), 17, 5), ((2, 3, 5), 129, 67))
"""Leading sizes of x, I and O: vectors, matrices and more dimensions; sizes that fill no register."""


@torch.no_grad()
def _same_products(leading: tuple[int, ...], inputs: int, outputs: int) -> bool:
    """Whether products of random numbers are PyTorch's but for rounding, as a layer and as the gradient of one."""
    random = torch.Generator().manual_seed(0)
    x_XI, weight_OI = (
        torch.randn((*leading, inputs), generator=random),
        torch.randn((outputs, inputs), generator=random),
    )
    bias_O, gradient_XO = torch.randn(outputs, generator=random), torch.randn((*leading, outputs), generator=random)
    return (
        _close(_product(x_XI, weight_OI, bias_O), F.linear(x_XI, weight_OI, bias_O))
        and _close(_product(x_XI, weight_OI, None), F.linear(x_XI, weight_OI))
        and _close(_product(gradient_XO, weight_OI.t(), None), F.linear(gradient_XO, weight_OI.t()))
    )


def _close(product: Tensor, expected: Tensor) -> bool:
    """Sums of I numbers in another order differ by up to I roundings of the largest; a wrong product by far more."""
    if product.shape != expected.shape or product.dtype != expected.dtype:
        return False
    bound = 256 * torch.finfo(expected.dtype).eps * float(expected.abs().max())
    return bool(((product - expected).abs() <= bound).all())


def use_frozen_linear(model: nn.Module) -> None:
    """Put `FrozenLinear` in the place of every `nn.Linear` of a frozen model."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Linear:
                setattr(module, name, FrozenLinear(child).train(child.training))
