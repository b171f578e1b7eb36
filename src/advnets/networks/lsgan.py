"""The nets of Mao et al. 2017, "Least squares generative adversarial networks", as released for scenes of LSUN.

xudonmao/LSGAN at 3b13d36, train_lsun.py and vgg.py: a generator of 3 x 3 kernels, some of which keep the sides, and a
discriminator of four 5 x 5 convolutions; both padded as TensorFlow's SAME, with biases beside batch normalisation.
"""

import itertools
import math
from dataclasses import dataclass

from torch import nn

from advnets.networks.frames import expect_sides
from advnets.networks.layers.batch_norm import BatchNorm
from advnets.networks.layers.same_padding import Sides, half_of, same_convolution, same_transposed_convolution
from advnets.networks.layers.starting_weights import start_weights
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one

SMALLEST = 4
"""The least longer side of the first maps: 112 pixels are doubled four times from 7, 28 twice, 64 four times from 4."""


@dataclass(frozen=True)
class LsganGenerator(GeneratorRow):
    """z -> dense maps -> transposed convolutions, some with stride 2 and some with 1 -> tanh.

    The last two doublings make 2 w and w maps; each before them makes 4 w, and a layer that keeps the sides follows it.

    Attributes:
        width: w, maps next to the image's.
    """

    width: int = 64

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample and latent size are read.

        Returns:
            z (batch, latent_size) -> images in [-1, 1].

        Raises:
            Unsupported: For points, and for a longer side below 8 or above 256.
            BadInput: If there is no noise.
        """
        channels, height, width = expect_sides(sizes, "lsgan_generator")
        doublings = int(math.log2(max(height, width) / SMALLEST))
        sides: list[Sides] = [(height, width)]
        for _ in range(doublings):
            sides.insert(0, half_of(sides[0]))
        maps = 4 * self.width
        linear = nn.Linear(sizes.expect_latent("lsgan_generator"), maps * math.prod(sides[0]))
        layers: list[nn.Module] = [linear, nn.Unflatten(1, (maps, *sides[0])), BatchNorm(maps), nn.ReLU()]
        for left, made in zip(range(doublings - 1, -1, -1), sides[1:], strict=True):
            made_maps = self.width * min(2**left, 4)
            layers += _with_norm(same_transposed_convolution((maps, made_maps), made, kernel=3), made_maps)
            if left > 1:
                layers += _with_norm(_same_sides(made_maps, made_maps, made), made_maps)
            maps = made_maps
        return start_weights(
            nn.Sequential(*layers, *_same_sides(maps, channels, sides[-1]), nn.Tanh()), gains=0.0, truncated=True
        )


@dataclass(frozen=True)
class LsganDiscriminator(DiscriminatorRow):
    """x -> four convolutions of 5 x 5, each of which halves the sides, the last three normalised -> one logit.

    Attributes:
        width: Maps of the first; twice as many each later one.
    """

    width: int = 64

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: The shape of a sample is read.

        Returns:
            Images (batch, c, h, w) -> logits (batch,).

        Raises:
            Unsupported: For points, and for a longer side below 8 or above 256.
        """
        channels, *both = expect_sides(sizes, "lsgan_discriminator")
        sides: Sides = (both[0], both[1])
        maps = [channels, *(self.width * 2**stage for stage in range(4))]
        layers: list[nn.Module] = []
        for stage, pair in enumerate(itertools.pairwise(maps)):
            layers += [*same_convolution(pair, sides), *([BatchNorm(pair[1])] if stage else []), nn.LeakyReLU(0.2)]
            sides = half_of(sides)
        return start_weights(
            nn.Sequential(*layers, nn.Flatten(), nn.Linear(maps[-1] * math.prod(sides), 1), nn.Flatten(0)),
            gains=0.0,
            truncated=True,
        )


def _same_sides(read: int, made: int, sides: Sides) -> list[nn.Module]:
    """A transposed convolution of 3 x 3 that keeps the sides."""
    return same_transposed_convolution((read, made), sides, kernel=3, stride=1)


def _with_norm(layers: list[nn.Module], maps: int) -> list[nn.Module]:
    return [*layers, BatchNorm(maps), nn.ReLU()]
