"""Parts of nets without normalisation: residual blocks that begin as the identity, and the ends of both players."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from advnets.networks.layers.dense import Layer
from advnets.networks.layers.per_sample import samplewise
from advnets.networks.layers.twice_differentiable import Conv2d

SLOPE = 0.2
"""Of the leaky rectifiers below 0."""


@samplewise
class ResidualBlock(nn.Module):
    """x + F(x), F convolutions with leaky rectifiers between them, the last of which starts at 0.

    Zhang, Dauphin, Ma, "Fixup initialization: residual learning without normalization", 2019: the others start at
    He's deviation times L^(-1 / (2 m - 2)), for L blocks of m convolutions. Only what an activation follows has biases
    (R3GAN, 2024).

    Args:
        convolutions: Those of F, two or more; their maps fit each other, and the last gives as many as x has.
        blocks: L, the blocks of the whole network.
    """

    def __init__(self, convolutions: Sequence[nn.Conv2d], blocks: int) -> None:
        super().__init__()
        *inner, last = convolutions
        gain = math.sqrt(2 / (1 + SLOPE**2)) * blocks ** (-1 / (2 * len(convolutions) - 2))
        layers: list[nn.Module] = []
        for convolution in inner:
            layers += [normal_(convolution, gain), nn.LeakyReLU(SLOPE)]
        self.residual = nn.Sequential(*layers, normal_(last, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        """Add what the convolutions make of x to x.

        Args:
            x: (batch, c, h, w).

        Returns:
            x + F(x), of the same shape.
        """
        y: Tensor = x + self.residual(x)
        return y


def plain_block(maps: int, blocks: int) -> ResidualBlock:
    """Return a block of two dense convolutions of 3 x 3.

    Args:
        maps: Of x.
        blocks: Of the whole network.

    Returns:
        The block.
    """
    first = Conv2d(maps, maps, 3, padding=1)
    return ResidualBlock([first, Conv2d(maps, maps, 3, padding=1, bias=False)], blocks)


def grouped_bottleneck(maps: int, blocks: int, *, expansion: int, group: int) -> ResidualBlock:
    """Return R3GAN's block: 1 x 1 to more maps, a grouped 3 x 3, 1 x 1 back.

    Args:
        maps: Of x.
        blocks: Of the whole network.
        expansion: Inner maps for each of x.
        group: Inner maps that a 3 x 3 kernel reads.

    Returns:
        The block.
    """
    inner = maps * expansion
    middle = nn.Conv2d(inner, inner, 3, padding=1, groups=max(inner // group, 1))
    return ResidualBlock([nn.Conv2d(maps, inner, 1), middle, nn.Conv2d(inner, maps, 1, bias=False)], blocks)


@samplewise
class Basis(nn.Module):
    """The first maps of a generator: learnt ones, each weighted by a linear function of z.

    Args:
        latent_size: Coordinates of z, (batch, latent_size).
        maps: Number of maps.
        start: Their height and width.
    """

    def __init__(self, latent_size: int, maps: int, start: tuple[int, int]) -> None:
        super().__init__()
        self.linear = normal_(nn.Linear(latent_size, maps, bias=False), 1.0)
        self.basis = nn.Parameter(torch.randn(maps, *start))

    def forward(self, z: Tensor) -> Tensor:
        """(batch, latent_size) -> (batch, maps, *start)."""
        weighted: Tensor = self.linear(z)[:, :, None, None] * self.basis
        return weighted


@samplewise
class MaskedSums(nn.Module):
    """The features of a discriminator: each map, weighted by a learnt mask of its own and summed.

    A depthwise convolution of the whole map, written as a product: torch's second derivative of a convolution in
    groups, which penalties on slopes need, runs through the groups one by one.

    Args:
        maps: Number of maps.
        start: Their height and width.
    """

    def __init__(self, maps: int, start: tuple[int, int]) -> None:
        super().__init__()
        self.mask = nn.Parameter(torch.randn(maps, *start) / math.sqrt(math.prod(start)))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, maps, *start) -> (batch, maps)."""
        return torch.sum(x * self.mask, dim=(2, 3))


def head(maps: int, classes: int | None) -> list[nn.Module]:
    """Return the layers from features to one logit, or to 1 + classes of them, as `ClassLogits` takes them.

    Args:
        maps: Number of features.
        classes: Number of classes; None for one logit.

    Returns:
        Layers of (batch, maps) -> (batch,), or (batch, 1 + classes).
    """
    linear = normal_(nn.Linear(maps, 1 + (classes or 0), bias=False), 1.0)
    return [linear] if classes else [linear, nn.Flatten(0)]


@torch.no_grad()
def normal_(layer: Layer, gain: float) -> Layer:
    """W ~ N(0, gain^2 / fan_in), b = 0.

    The fan-in of a transposed convolution is what one output reads: the kernel's numbers over the squared stride.

    Args:
        layer: The layer, whose parameters are overwritten.
        gain: 0 starts it at 0.

    Returns:
        The layer.
    """
    if isinstance(layer, nn.ConvTranspose2d):
        fan_in = layer.in_channels * math.prod(layer.kernel_size) / math.prod(layer.stride)
    else:
        fan_in = math.prod(layer.weight.shape[1:])
    if gain:
        nn.init.normal_(layer.weight, 0, gain / math.sqrt(fan_in))
    else:
        nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
