"""The convolutional nets of Gulrajani et al. 2017, "Improved training of Wasserstein GANs", for MNIST and CIFAR-10.

igul222/improved_wgan_training at fa66c57, gan_mnist.py and gan_cifar.py: kernels of 5 x 5 padded as TensorFlow's SAME,
with biases, from a dense layer of 4 x 4 maps. For MNIST nothing is normalised; for CIFAR-10 the generator is, by batch.
The critic never is, for its penalty asks that a logit depends on its own sample alone.
"""

import itertools
import math
from dataclasses import dataclass

import torch
from torch import nn

from advnets.errors import unknown
from advnets.networks.frames import expect_sides
from advnets.networks.layers.batch_norm import BatchNorm
from advnets.networks.layers.same_padding import Sides, half_of, same_convolution, same_transposed_convolution
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one

OUTPUTS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
SMALLEST = 4
"""The longer side of the maps at which halving stops."""


@dataclass(frozen=True)
class WganGpGenerator(GeneratorRow):
    """z -> dense maps -> transposed convolutions, each of which doubles the sides -> sigmoid or tanh.

    What a halving of the image rounds up is cropped off after the doubling: 28 pixels come from 14, 7 and 4.

    Attributes:
        width: Maps next to the image's; twice as many each halving below.
        batch_norm: Whether all layers but the last are normalised.
        output: sigmoid, for data in [0, 1], or tanh, for data in [-1, 1].

    Raises:
        BadInput: If the width is no whole number of 1 or more, or there is no such output.
    """

    width: int = 64
    batch_norm: bool = False
    output: str = "sigmoid"

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)
        if self.output not in OUTPUTS:
            raise unknown("output", str(self.output), OUTPUTS)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample and latent size are read.

        Returns:
            z (batch, latent_size) -> images in [0, 1] or [-1, 1].

        Raises:
            Unsupported: For points, and for a longer side below 8 or above 256.
            BadInput: If there is no noise.
        """
        channels, *_ = expect_sides(sizes, "wgan_gp_generator")
        sides, maps = _stages(sizes, self.width)
        sides, maps = sides[::-1], maps[::-1]
        first = maps[0] * math.prod(sides[0])
        linear = nn.Linear(sizes.expect_latent("wgan_gp_generator"), first)
        layers = [linear, *self._activation(first), nn.Unflatten(1, (maps[0], *sides[0]))]
        for (below, above), made in zip(itertools.pairwise(maps), sides[1:-1], strict=True):
            layers += [*same_transposed_convolution((below, above), made), *self._activation(above)]
        layers += [*same_transposed_convolution((maps[-1], channels), sides[-1]), OUTPUTS[self.output]()]
        return start_as_he(nn.Sequential(*layers))

    def _activation(self, units: int) -> list[nn.Module]:
        return [BatchNorm(units), nn.ReLU()] if self.batch_norm else [nn.ReLU()]


@dataclass(frozen=True)
class WganGpDiscriminator(DiscriminatorRow):
    """x -> convolutions, each of which halves the sides -> one logit, without normalisation.

    Attributes:
        width: Maps next to the image, as the generator's.
    """

    width: int = 64

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the critic.

        Args:
            sizes: The shape of a sample is read.

        Returns:
            Images (batch, c, h, w) -> logits (batch,).

        Raises:
            Unsupported: For points, and for a longer side below 8 or above 256.
        """
        channels, *_ = expect_sides(sizes, "wgan_gp_discriminator")
        sides, maps = _stages(sizes, self.width)
        layers: list[nn.Module] = []
        for seen, pair in zip(sides, itertools.pairwise((channels, *maps)), strict=False):
            layers += [*same_convolution(pair, seen), nn.LeakyReLU(0.2)]
        last = nn.Linear(maps[-1] * math.prod(sides[-1]), 1)
        return start_as_he(nn.Sequential(*layers, nn.Flatten(), last, nn.Flatten(0)))


def _stages(sizes: Sizes, width: int) -> tuple[list[Sides], list[int]]:
    """Sides from the image's to the smallest, and the maps that each of the smaller ones has."""
    _, height, width_of_image = sizes.shape
    sides: list[Sides] = [(height, width_of_image)]
    while max(sides[-1]) > SMALLEST:
        sides.append(half_of(sides[-1]))
    return sides, [width * 2**stage for stage in range(len(sides) - 1)]


@torch.no_grad()
def start_as_he(network: nn.Module) -> nn.Module:
    """Draw W ~ U with deviation sqrt(4 / (fan-in + fan-out)), of dense layers sqrt(2 / (fan-in + fan-out)); b = 0.

    The fan-out of a convolution is its kernel's numbers over the squared stride; of a transposed one, the fan-in is.
    tflib/ops/conv2d.py, deconv2d.py and linear.py of igul222/improved_wgan_training.

    Args:
        network: Changed in place.

    Returns:
        The network, its kernels in memory as channels_last.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            _uniform_with_deviation(layer, math.sqrt(2 / (layer.in_features + layer.out_features)))
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            numbers, strided = math.prod(layer.kernel_size), math.prod(layer.stride)
            ends = [layer.in_channels * numbers, layer.out_channels * numbers]
            ends[1 if isinstance(layer, nn.Conv2d) else 0] /= strided  # type: ignore[call-overload]
            _uniform_with_deviation(layer, math.sqrt(4 / sum(ends)))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _uniform_with_deviation(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, deviation: float) -> None:
    nn.init.uniform_(layer.weight, -deviation * math.sqrt(3), deviation * math.sqrt(3))
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
