"""Doubling and halving the sides of maps by the kernel [1, 3, 3, 1] / 8, alone or with a 1 x 1 convolution in one.

    k = [1, 3, 3, 1] / 8,    halve(x) = (x * k k^T) at every second pixel,    double(x) = 4 (x between zeros) * k k^T

Huang et al., "The GAN is dead; long live the GAN! A modern baseline GAN (R3GAN)", 2024; Karras et al. 2020, "Analyzing
and improving the image quality of StyleGAN". The constructor of the released R3GAN says [1, 2, 1], and convolves it
with [1, 1] first: what runs is [1, 3, 3, 1]. Zeros lie beyond the edges. Inside, a constant stays the same constant.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import conv_transpose2d

from advnets.networks.layers.per_sample import samplewise
from advnets.networks.layers.twice_differentiable import conv2d

TAPS = (0.125, 0.375, 0.375, 0.125)


def kernel(gain: float) -> Tensor:
    """Return gain k k^T, (4, 4), on the CPU also where a network is built on the meta device: no file holds it."""
    taps = torch.tensor(TAPS, device="cpu")
    return gain * torch.outer(taps, taps)


@samplewise
class Upsample2d(nn.Module):
    """Twice the sides of each map: (batch, c, h, w) -> (batch, c, 2 h, 2 w)."""

    taps: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("taps", kernel(4.0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Double the sides of each map.

        Args:
            x: (batch, c, h, w).

        Returns:
            (batch, c, 2 h, 2 w).
        """
        maps = x.shape[1]
        return conv_transpose2d(x, self.taps.expand(maps, 1, 4, 4), stride=2, padding=1, groups=maps)


@samplewise
class Downsample2d(nn.Module):
    """Half the sides of each map: (batch, c, h, w) -> (batch, c, h / 2, w / 2)."""

    taps: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("taps", kernel(1.0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the sides of each map.

        Args:
            x: (batch, c, h, w), of even sides.

        Returns:
            (batch, c, h / 2, w / 2).
        """
        maps = x.shape[1]
        return functional.conv2d(x, self.taps.expand(maps, 1, 4, 4), stride=2, padding=1, groups=maps)


@samplewise
class ConvUpsample2d(nn.Module):
    """A 1 x 1 convolution, W, and `Upsample2d` in one product.

        double(W x) = conv_transpose(x, W k, stride 2)

    The same function and parameters as the two one after the other; rounding differs. The product has 16 times as many
    multiplications as the convolution alone, and reads and writes every map once: a CPU that multiplies bfloat16
    natively takes a tenth of the time.

    Args:
        in_channels: Maps of x, (batch, in_channels, h, w).
        out_channels: Maps of the result, (batch, out_channels, 2 h, 2 w).
    """

    taps: Tensor

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_channels, out_channels, 1, 1) * in_channels**-0.5)
        self.register_buffer("taps", kernel(4.0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the maps and double their sides.

        Args:
            x: (batch, in_channels, h, w).

        Returns:
            (batch, out_channels, 2 h, 2 w).
        """
        return conv_transpose2d(x, self.weight * self.taps, stride=2, padding=1)


@samplewise
class ConvDownsample2d(nn.Module):
    """`Downsample2d` and a 1 x 1 convolution in one product; see `ConvUpsample2d`.

    Args:
        in_channels: Maps of x, (batch, in_channels, h, w).
        out_channels: Maps of the result, (batch, out_channels, h / 2, w / 2).
    """

    taps: Tensor

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1) * in_channels**-0.5)
        self.register_buffer("taps", kernel(1.0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the sides of the maps and mix them.

        Args:
            x: (batch, in_channels, h, w), of even sides.

        Returns:
            (batch, out_channels, h / 2, w / 2).
        """
        return conv2d(x, self.weight * self.taps, stride=2, padding=1)
