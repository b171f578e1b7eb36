"""Layers of dense nets: maxout, dropout that a CPU can afford, and noise."""

from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from advnets.errors import BadInput
from advnets.networks.layers.per_sample import samplewise

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


@samplewise
class Maxout(nn.Module):
    """h_u = max_p (x W_pu + b_pu), over `pieces` affine maps a unit.

    Goodfellow et al. 2013, "Maxout Networks", eq. 1. Biases are inside the maximum, as in pylearn2. The maps lie one
    after the other in one linear map, all units of the first piece first, so that the maximum runs along memory;
    pylearn2 has the pieces of a unit side by side, which is the same up to the order of the rows.

    Args:
        in_features: Width of x, (batch, in_features).
        units: Width of the result, (batch, units).
        pieces: Affine maps a unit, 1 or more.
    """

    def __init__(self, in_features: int, units: int, pieces: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, units * pieces)
        self.units, self.pieces = units, pieces

    def forward(self, x: Tensor) -> Tensor:
        """Take the largest of the pieces of each unit.

        Args:
            x: (batch, in_features).

        Returns:
            h, (batch, units).
        """
        h: Tensor = _MaximumOfPieces.apply(  # type: ignore[no-untyped-call]
            self.linear(x).view(len(x), self.pieces, self.units)
        )
        return h


class _MaximumOfPieces(torch.autograd.Function):
    """max over dimension 1; the gradient goes to each piece that attains it (one, but for exact ties).

    Torch's own max keeps indices, and its amax divides by the number of ties: both take several times as long. The
    comparison is written straight into numbers: turning truth values into numbers afterwards takes four times as long.
    """

    @staticmethod
    def forward(ctx: Any, pieces: Tensor) -> Tensor:
        """(batch, pieces, units) -> (batch, units)."""
        maximum = pieces.amax(1)
        ctx.save_for_backward(pieces, maximum)
        return maximum

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Linear in the gradient, so that gradient penalties can differentiate it again."""
        pieces, maximum = (saved.detach() for saved in ctx.saved_tensors)
        attained = torch.eq(pieces, maximum[:, None], out=torch.empty_like(pieces))
        return attained * gradient[:, None] if torch.is_grad_enabled() else attained.mul_(gradient[:, None])


@samplewise
class Dropout(nn.Module):
    """Inverted dropout: each input is kept with probability 1 - p, and scaled by 1 / (1 - p).

    On a CPU the masks are cut out of 64-bit draws, sixteen bits to an input, since torch's `bernoulli_` runs on one
    core and takes nine times as long; the probability kept is then the nearest multiple of 2^-16, and the scale its
    exact inverse, so the expectation is unchanged. Srivastava et al. 2014, "Dropout".

    Args:
        p: Probability of dropping an input, in [0, 1).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Mask and scale x while training; leave it as it is otherwise.

        Args:
            x: Numbers, of any shape.

        Returns:
            The numbers that are kept, scaled, and 0 for those that are dropped; of the same shape.
        """
        if not self.training or self.p == 0:
            return x
        return x * _mask(x, self.p) if x.device.type == "cpu" else nn.functional.dropout(x, self.p)


@samplewise
class Noise(nn.Module):
    """x + deviation * eps, eps ~ N(0, I), while training; unchanged otherwise.

    Before a discriminator it widens p_data and p_g alike, so that their supports overlap and D cannot tell them apart
    by detail finer than the noise. Arjovsky & Bottou 2017, "Towards principled methods for training generative
    adversarial networks", section 3; Sønderby et al. 2017, "Amortised MAP inference for image super-resolution".

    Args:
        deviation: Standard deviation of the noise, in units of x, 0 or more.
    """

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def forward(self, x: Tensor) -> Tensor:
        """Add noise of its own to every number of x while training.

        Args:
            x: Numbers, of any shape.

        Returns:
            The numbers with noise, of the same shape; x itself when it is not training.
        """
        return x + self.deviation * torch.randn_like(x) if self.training and self.deviation else x


def _mask(x: Tensor, p: float) -> Tensor:
    kept = round((1 - p) * 65536)
    draws = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    bits = draws.view(torch.int16)[: x.numel()].view(x.shape)
    return torch.lt(bits, kept - 32768, out=torch.empty_like(bits, dtype=x.dtype)).mul_(65536 / kept)


def uniform_(layer: Layer, irange: float) -> Layer:
    """W ~ U(-irange, irange), b = 0: pylearn2's `irange`."""
    nn.init.uniform_(layer.weight, -irange, irange)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


@torch.no_grad()
def sparse_(linear: nn.Linear, connections: int) -> nn.Linear:
    """Into each unit, W ~ N(0, 1) from `connections` inputs drawn without replacement, 0 from all others; b = 0.

    pylearn2's `sparse_init`; Martens 2010, "Deep learning via Hessian-free optimization", section 5. Raises BadInput
    if there are fewer inputs than connections.
    """
    if not 1 <= connections <= linear.in_features:
        raise BadInput(
            f"sparse starting weights: found {connections} a unit, expected 1..{linear.in_features}, the units of the "
            "layer below. Lower `sparse`, widen that layer, or set `sparse` to 0 for uniform weights."
        )
    chosen = torch.rand(linear.weight.shape).topk(connections).indices
    linear.weight.zero_().scatter_(1, chosen, torch.randn(chosen.shape))
    linear.bias.zero_()
    return linear
