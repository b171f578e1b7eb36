"""The nets of Radford, Metz, Chintala 2015 as their authors released them: kernels of 5 x 5, a dense layer at each end.

Newmu/dcgan_code at ee12b2d, faces/train_uncond_dcgan.py. There, batches are always normalised by their own moments, in
sampling too; here, samples do not depend on their neighbours: they are made with the running moments of training.
`dcgan.py` has the nets that users know by that name.
"""

import itertools
from dataclasses import dataclass

from torch import nn

from advnets.networks.dcgan import maps_by_stage
from advnets.networks.frames import Frame
from advnets.networks.layers.batch_norm import BatchNorm
from advnets.networks.layers.starting_weights import start_weights
from advnets.networks.layers.twice_differentiable import Conv2d
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one

EPS = 1e-8
"""Of batch normalisation; torch's usual one is 1e-5."""


@dataclass(frozen=True)
class Dcgan5x5Generator(GeneratorRow):
    """z -> dense maps of 4 x 4 -> transposed convolutions of 5 x 5, each of which doubles the sides -> tanh.

    Attributes:
        width: Maps next to the image's; twice as many a halving of the side below, up to 8 times.
    """

    width: int = 128

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample and latent size are read.

        Returns:
            z (batch, latent_size) -> images in [-1, 1].

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
            BadInput: If there is no noise.
        """
        frame, latent = Frame.of(sizes, "dcgan_5x5_generator"), sizes.expect_latent("dcgan_5x5_generator")
        maps = maps_by_stage(self.width, frame)[::-1]
        first = maps[0] * frame.start[0] * frame.start[1]
        layers: list[nn.Module] = [nn.Linear(latent, first, bias=False), BatchNorm(first, eps=EPS), nn.ReLU()]
        layers += [nn.Unflatten(1, (maps[0], *frame.start))]
        for below, above in itertools.pairwise(maps):
            layers += [nn.ConvTranspose2d(below, above, 5, 2, 2, 1, bias=False), BatchNorm(above, eps=EPS), nn.ReLU()]
        layers += [nn.ConvTranspose2d(maps[-1], frame.channels, 5, 2, 2, 1, bias=False), nn.Tanh(), *frame.crop()]
        return start_weights(nn.Sequential(*layers))


@dataclass(frozen=True)
class Dcgan5x5Discriminator(DiscriminatorRow):
    """x -> convolutions of 5 x 5, each of which halves the sides -> 4 x 4 maps -> one logit, without biases.

    Attributes:
        width: Maps next to the image, as the generator's.
    """

    width: int = 128

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: The shape of a sample is read.

        Returns:
            Images (batch, c, h, w) -> logits (batch,).

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
        """
        frame = Frame.of(sizes, "dcgan_5x5_discriminator")
        maps = maps_by_stage(self.width, frame)
        layers: list[nn.Module] = [*frame.pad(), Conv2d(frame.channels, maps[0], 5, 2, 2, bias=False)]
        layers += [nn.LeakyReLU(0.2)]
        for above, below in itertools.pairwise(maps):
            layers += [Conv2d(above, below, 5, 2, 2, bias=False), BatchNorm(below, eps=EPS), nn.LeakyReLU(0.2)]
        last = nn.Linear(maps[-1] * frame.start[0] * frame.start[1], 1, bias=False)
        return start_weights(nn.Sequential(*layers, nn.Flatten(), last, nn.Flatten(0)))
