"""Convolutions whose second derivatives cost what their first do, for discriminators under penalties on slopes.

With y = W * x and the slope gx = d<gy, y>/dx = W^T * gy, a penalty's derivative needs, for a cotangent v of gx,

    d<v, gx>/d gy = W * v,        d<v, gx>/dW = the weights' gradient of W * v under gy

which are a convolution and the weights' gradient of a convolution, as in the first derivative. torch 2.13 computes the
second as a convolution with a kernel as large as the image, which on a CPU takes a third of the whole step. Karras et
al. 2020 ship the same remedy for GPUs (`conv2d_gradfix` of the StyleGAN2-ADA code).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from advnets.networks.layers.per_sample import samplewise

Geometry = tuple[int, int]
"""Stride and padding, alike for both sides."""

_wants_weights = True


@contextmanager
def input_slopes_only() -> Iterator[None]:
    """Within, backward passes leave the gradients of these convolutions' weights out, which would be thrown away."""
    global _wants_weights
    outer, _wants_weights = _wants_weights, False
    try:
        yield
    finally:
        _wants_weights = outer


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Convolve, as `torch.nn.functional.conv2d` does.

    Args:
        x: (batch, in, h, w).
        weight: (out, in, k, k).
        bias: (out,), or None.
        stride: Of both sides.
        padding: Zeros around x.

    Returns:
        (batch, out, h', w').
    """
    if torch.is_autocast_enabled(x.device.type):
        kind = torch.get_autocast_dtype(x.device.type)
        x, weight, bias = x.to(kind), weight.to(kind), None if bias is None else bias.to(kind)
    if padding >= min(x.shape[2:]):
        # Of weights that read zeros alone, torch 2.13 leaves the gradient unset in bfloat16 if the stride is not 1.
        x, padding = torch.nn.functional.pad(x, [padding] * 4), 0
    y: Tensor = _Convolution.apply(x, weight, (stride, padding))  # type: ignore[no-untyped-call]
    return y if bias is None else y + bias[:, None, None]


@samplewise
class Conv2d(nn.Conv2d):
    """nn.Conv2d without groups, dilation or other padding than zeros, with cheap second derivatives; see `conv2d`."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, h, w) -> (batch, out, h', w')."""
        stride, padding = self.stride[0], self.padding[0]
        assert isinstance(padding, int)
        return conv2d(x, self.weight, self.bias, stride=stride, padding=padding)


class _Convolution(torch.autograd.Function):
    """W * x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        """Convolve."""
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        stride, padding = geometry
        return torch.conv2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        """Return the slopes in x and in W."""
        x, weight = ctx.saved_tensors
        if not torch.is_grad_enabled():  # the last derivative: both gradients in one product
            return *_slopes(gy, x, weight, ctx.geometry, (ctx.needs_input_grad[0], ctx.needs_input_grad[1])), None
        gx = gw = None
        if ctx.needs_input_grad[0]:
            gx = _InputSlope.apply(gy, weight, x.shape, ctx.geometry)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[1] and _wants_weights:
            gw = _WeightSlope.apply(x, gy, weight.shape, ctx.geometry)  # type: ignore[no-untyped-call]
        return gx, gw, None


class _InputSlope(torch.autograd.Function):
    """W^T * gy."""

    @staticmethod
    def forward(ctx: Any, gy: Tensor, weight: Tensor, shape: torch.Size, geometry: Geometry) -> Tensor:
        """Return the slope in x of <gy, W * x>, which is linear in gy and in W."""
        ctx.save_for_backward(gy, weight)
        ctx.geometry = geometry
        return _slopes(gy, gy.new_empty(shape), weight, geometry, (True, False))[0]

    @staticmethod
    def backward(ctx: Any, v: Tensor) -> Any:
        """Return the slopes of <v, result> in both factors."""
        gy, weight = ctx.saved_tensors
        d_gy = d_weight = None
        if ctx.needs_input_grad[0]:
            d_gy = _Convolution.apply(v, weight, ctx.geometry)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[1] and _wants_weights:
            d_weight = _WeightSlope.apply(v, gy, weight.shape, ctx.geometry)  # type: ignore[no-untyped-call]
        return d_gy, d_weight, None, None


class _WeightSlope(torch.autograd.Function):
    """The gradient of <gy, W * x> in W."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gy: Tensor, shape: torch.Size, geometry: Geometry) -> Tensor:
        """Return the slope in W, which is linear in x and in gy."""
        ctx.save_for_backward(x, gy)
        ctx.geometry = geometry
        return _slopes(gy, x, x.new_empty(shape), geometry, (False, True))[1]

    @staticmethod
    def backward(ctx: Any, v: Tensor) -> Any:
        """Return the slopes of <v, result> in both factors."""
        x, gy = ctx.saved_tensors
        d_x = d_gy = None
        if ctx.needs_input_grad[0]:
            d_x = _InputSlope.apply(gy, v, x.shape, ctx.geometry)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[1]:
            d_gy = _Convolution.apply(x, v, ctx.geometry)  # type: ignore[no-untyped-call]
        return d_x, d_gy, None, None


def _slopes(
    gy: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, wanted: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """The gradients of <gy, W * x> in x and in W, of which those that are wanted are computed."""
    stride, padding = geometry
    slopes = torch.ops.aten.convolution_backward(
        gy, x, weight, None, (stride, stride), (padding, padding), (1, 1), False, (0, 0), 1, (*wanted, False)
    )
    return slopes[0], slopes[1]
