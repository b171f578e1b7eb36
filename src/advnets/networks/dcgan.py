"""The nets of Radford, Metz, Chintala 2015, "Unsupervised representation learning with DCGAN", as users know them.

These are those of soumith/dcgan.torch at commit 6eaac63 and of the framework examples after it: kernels of 4 x 4,
64 maps next to the image, no biases. The authors' own Theano code (Newmu/dcgan_code at ee12b2d) has kernels of 5 x 5,
128 maps, a dense first layer and coupled weight decay.
"""

import itertools
from dataclasses import dataclass

from torch import nn

from advnets.errors import BadInput
from advnets.networks.frames import Frame
from advnets.networks.labels import ClassLogits, LabelledLatent
from advnets.networks.layers.batch_norm import BatchNorm
from advnets.networks.layers.starting_weights import start_weights
from advnets.networks.layers.twice_differentiable import Conv2d
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one

NORMS = ("batch", "none")


@dataclass(frozen=True)
class DcganGenerator(GeneratorRow):
    """z -> 4 x 4 maps -> strided transposed convolutions, each of which doubles the sides -> tanh.

    Attributes:
        width: Maps next to the image: the one dial of capacity. There are twice as many a halving of the side below, up
            to 8 times.
        label_size: Coordinates of the vector that is learnt for each class, where labels are given. Few, so that z is
            not drowned: with 64, all samples of a class became one (LOG.md).
    """

    width: int = 64
    label_size: int = 8

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width, label_size=self.label_size)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator; its weights lie in memory as channels_last, which is faster on CPUs.

        Args:
            sizes: Shape of a sample, latent size and classes are read.

        Returns:
            z (batch, latent_size), with labels (batch,) where there are classes -> images in [-1, 1].

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
            BadInput: If there is no noise.
        """
        frame, size = Frame.of(sizes, "dcgan_generator"), sizes.expect_latent("dcgan_generator")
        size += self.label_size if sizes.classes else 0
        maps = maps_by_stage(self.width, frame)[::-1]
        layers: list[nn.Module] = [
            nn.Unflatten(1, (size, 1, 1)),
            nn.ConvTranspose2d(size, maps[0], frame.start, bias=False),
        ]
        for below, above in itertools.pairwise(maps):
            layers += [BatchNorm(below), nn.ReLU(), nn.ConvTranspose2d(below, above, 4, 2, 1, bias=False)]
        layers += [BatchNorm(maps[-1]), nn.ReLU()]
        layers += [nn.ConvTranspose2d(maps[-1], frame.channels, 4, 2, 1, bias=False), nn.Tanh(), *frame.crop()]
        generator = start_weights(nn.Sequential(*layers))
        return LabelledLatent(generator, sizes.classes, self.label_size) if sizes.classes else generator


@dataclass(frozen=True)
class DcganDiscriminator(DiscriminatorRow):
    """x -> strided convolutions, each of which halves the sides -> 4 x 4 maps -> one logit.

    Attributes:
        width: Maps next to the image: the one dial of capacity, as the generator's.
        norm: "batch" normalises every layer but the first and the last, as published; "none" has biases instead, and
            can be played with gradient penalties, which batch normalisation would mix between samples.

    Raises:
        BadInput: If the width is no whole number of 1 or more, or there is no such norm.
    """

    width: int = 64
    norm: str = "batch"

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)
        if self.norm not in NORMS:
            raise BadInput(f"norm is {self.norm!r}; expected one of {', '.join(NORMS)}")

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator; its weights lie in memory as channels_last, which is faster on CPUs.

        Args:
            sizes: Shape of a sample and classes are read.

        Returns:
            Images (batch, c, h, w), with labels (batch,) where there are classes -> logits (batch,).

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
        """
        frame = Frame.of(sizes, "dcgan_discriminator")
        maps, normalised = maps_by_stage(self.width, frame), self.norm == "batch"
        layers: list[nn.Module] = [*frame.pad(), Conv2d(frame.channels, maps[0], 4, 2, 1, bias=not normalised)]
        for above, below in itertools.pairwise(maps):
            layers += [nn.LeakyReLU(0.2), Conv2d(above, below, 4, 2, 1, bias=not normalised)]
            layers += [BatchNorm(below)] if normalised else []
        layers += [nn.LeakyReLU(0.2), Conv2d(maps[-1], 1 + (sizes.classes or 0), frame.start, bias=not normalised)]
        network = start_weights(nn.Sequential(*layers, nn.Flatten(1 if sizes.classes else 0)))
        return ClassLogits(network) if sizes.classes else network


def maps_by_stage(width: int, frame: Frame) -> list[int]:
    """Return the maps of each stage, from the one next to the image on: w, 2 w, 4 w, 8 w, 8 w, ..."""
    return [width * min(2**stage, 8) for stage in range(frame.doublings)]
