"""The nets of Isola et al. 2017, "Image-to-image translation with conditional adversarial networks" (pix2pix).

They are those of the maintained port, junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py: kernels of 4 x 4, no
biases but in the last layer of the U-Net, and in the first and the last of the discriminator. Dropout stands in the
first three layers of the decoder, as in the paper and in the authors' Lua code (phillipi/pix2pix at 89ff2a8); the
port's stands one layer later. The Lua code has no biases at all.
"""

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, instance_norm, leaky_relu

from advnets.errors import BadInput, Unsupported
from advnets.networks.frames import Frame, expect_sides
from advnets.networks.layers.batch_norm import BatchNorm
from advnets.networks.layers.starting_weights import start_weights
from advnets.networks.layers.twice_differentiable import Conv2d
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one

SLOPE = 0.2
DROPOUT_LAYERS = 3
"""First layers of the decoder that have dropout."""
SMALLEST_MAP = 3
"""Side of the maps below which the discriminator does not halve, so that two more layers leave a patch."""


@dataclass(frozen=True)
class Pix2pixGenerator(GeneratorRow):
    """A U-Net: given image -> maps, each of half the sides -> and back, with the maps of the way down -> tanh.

    It is as deep as brings the longer side down to 1 or 2 pixels: 8 layers for 256 pixels, 7 for 128.

    Attributes:
        width: Maps of the first layer; there are twice as many a layer below, up to 8 times.
        dropout: Probability of dropping a number in the first three layers of the decoder, in [0, 1). It is the only
            noise, and stays on when the net is sampled; 0 makes one image of each image.

    Raises:
        BadInput: If a number is out of its range.
    """

    width: int = 64
    dropout: float = 0.5

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)
        if type(self.dropout) not in (int, float) or not 0 <= self.dropout < 1:
            raise BadInput(f"dropout is {self.dropout!r}; expected a probability from 0 to below 1")

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shapes of a sample and of a given image, of the same sides, are read.

        Returns:
            Images (batch, c', h, w) -> images (batch, c, h, w) in [-1, 1].

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
            BadInput: If no images are given, or of other sides than the samples.
        """
        channels, height, width = expect_sides(sizes, "pix2pix_generator")
        given = expect_given_image(sizes, "pix2pix_generator")
        frame = Frame.of(sizes, "pix2pix_generator", math.floor(math.log2(max(height, width))))
        maps = [self.width * min(2**layer, 8) for layer in range(frame.doublings)]
        return start_weights(UNet(given, channels, maps, frame, self.dropout))


@dataclass(frozen=True)
class Pix2pixDiscriminator(DiscriminatorRow):
    """PatchGAN: a sample and the given image, joined along their channels -> a logit a patch.

    Its three layers with stride 2 and two with stride 1 see patches of 70 x 70 pixels. Images so small that no patch
    would be left have fewer layers with stride 2.

    Attributes:
        width: Maps of the first layer; there are twice as many a layer, up to 8 times.
        layers: Layers with stride 2, at most: 3 as published.
    """

    width: int = 64
    layers: int = 3

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width, layers=self.layers)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: Shapes of a sample and of a given image, of the same sides, are read.

        Returns:
            Images (batch, c, h, w) and given images (batch, c', h, w) -> logits (batch, patches).

        Raises:
            Unsupported: For points, and for images that are too small or too large.
            BadInput: If no images are given, or of other sides than the samples.
        """
        channels, *_ = expect_sides(sizes, "pix2pix_discriminator")
        given = expect_given_image(sizes, "pix2pix_discriminator")
        layers = halvings(sizes, "pix2pix_discriminator", self.layers)
        return start_weights(JointPatches(patch_layers(channels + given, self.width, layers, BatchNorm, bias=False)))


class UNet(nn.Module):
    """y = up(x): down a layer, through all that is below, up a layer, each time beside the maps of the way down.

    Ronneberger, Fischer, Brox, "U-Net: convolutional networks for biomedical image segmentation", 2015.

    Args:
        given: Channels of a given image.
        channels: Channels of a sample.
        maps: Maps of each layer on the way down.
        frame: The sides that are halved.
        p: Probability of dropping a number in the first layers of the decoder.
    """

    def __init__(self, given: int, channels: int, maps: list[int], frame: Frame, p: float) -> None:
        super().__init__()
        inputs, outputs = [given, *maps[:-1]], [channels, *maps[:-1]]
        last = len(maps) - 1
        self.pad, self.crop = nn.Sequential(*frame.pad()), nn.Sequential(*frame.crop())
        self.down = nn.ModuleList(nn.Conv2d(i, o, 4, 2, 1, bias=False) for i, o in zip(inputs, maps, strict=True))
        self.down_norms = nn.ModuleList(PatchNorm(o) if 0 < n < last else nn.Identity() for n, o in enumerate(maps))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(i if n == last else 2 * i, o, 4, 2, 1, bias=n == 0)
            for n, (i, o) in enumerate(zip(maps, outputs, strict=True))
        )
        self.up_norms = nn.ModuleList(PatchNorm(o) if n else nn.Identity() for n, o in enumerate(outputs))
        self.noise = nn.ModuleList(
            LastingDropout(p) if p and n > max(0, last - DROPOUT_LAYERS) else nn.Identity() for n in range(last + 1)
        )

    def forward(self, given: Tensor) -> Tensor:
        """(batch, c', h, w) -> (batch, c, h, w)."""
        x, kept = self.pad(given), []
        for number, (down, norm) in enumerate(zip(self.down, self.down_norms, strict=True)):
            x = norm(down(leaky_relu(x, SLOPE) if number else x))
            kept.append(x)
        for number in reversed(range(len(self.up))):
            joined = x if number == len(self.up) - 1 else torch.cat([kept[number], x], 1)
            x = self.noise[number](self.up_norms[number](self.up[number](joined.relu())))
        images: Tensor = self.crop(x.tanh())
        return images


class PatchNorm(nn.Module):
    """Batch normalisation while training; by each image's own moments afterwards, as the port's test.py has it.

    The published batches are of one image, of which batch normalisation takes the moments, also when the net is tested.
    So what is made of an image never depends on the images beside it, and running moments are not read.

    Args:
        units: Maps of x, (batch, units, h, w).
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.norm = BatchNorm(units)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise by the moments of the global batch while training, and by each image's own otherwise.

        Args:
            x: Maps, (batch, units, h, w).

        Returns:
            The normalised maps, of the same shape.
        """
        if self.training:
            y: Tensor = self.norm(x)
            return y
        return instance_norm(x, weight=self.norm.weight, bias=self.norm.bias, eps=self.norm.eps)


class LastingDropout(nn.Module):
    """Dropout that stays on when the net is sampled, where it is the only noise; not `Dropout`, which is then off.

    Isola et al. 2017, section 3.2.

    Args:
        p: Probability of dropping a number, above 0 and below 1.

    Attributes:
        is_on: Whether numbers are dropped; without, every image has one translation.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p, self.is_on = p, True

    def forward(self, x: Tensor) -> Tensor:
        """Mask and scale x, while training and where `is_on` is set.

        Args:
            x: Numbers, of any shape.

        Returns:
            The numbers that are kept, scaled, and 0 for those that are dropped; of the same shape.
        """
        return dropout(x, self.p) if self.training or self.is_on else x


class JointPatches(nn.Module):
    """D(x, given): the layers see both images, joined along their channels, the given one first as in the port."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        """(batch, c, h, w) and (batch, c', h, w) -> (batch, patches)."""
        logits: Tensor = self.layers(torch.cat([given, x], 1))
        return logits


def patch_layers(channels: int, width: int, halvings: int, norm: type[nn.Module], *, bias: bool) -> nn.Sequential:
    """Return the layers of a PatchGAN.

    Args:
        channels: Of what it sees.
        width: Maps of the first layer.
        halvings: Layers with stride 2; two with stride 1 follow.
        norm: What follows all layers but the first and the last; it is built from their maps.
        bias: Whether the layers that are normalised have biases.

    Returns:
        (batch, channels, h, w) -> logits (batch, patches).
    """
    maps = [width * min(2**layer, 8) for layer in range(halvings + 1)]
    layers: list[nn.Module] = [Conv2d(channels, maps[0], 4, 2 if halvings else 1, 1), nn.LeakyReLU(SLOPE)]
    for layer, (above, below) in enumerate(itertools.pairwise(maps), 1):
        layers += [Conv2d(above, below, 4, 2 if layer < halvings else 1, 1, bias=bias), norm(below)]
        layers += [nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, Conv2d(maps[-1], 1, 4, 1, 1), nn.Flatten(1))


def halvings(sizes: Sizes, row: str, at_most: int) -> int:
    """Return how many layers of a PatchGAN halve the sides of images of these sizes.

    Args:
        sizes: Of the data.
        row: The network, for the error.
        at_most: How many there are where the images are large enough.

    Returns:
        The number; it leaves maps of 3 pixels or more, so that two layers with stride 1 leave a patch.

    Raises:
        Unsupported: For points, and for images with a side below 3 pixels, or a longer one below 8 or above 256.
    """
    _, height, width = expect_sides(sizes, row)
    shorter = min(height, width)
    if shorter < SMALLEST_MAP:
        raise Unsupported(f"{row}: found images of {height} x {width}, expected sides of {SMALLEST_MAP} or more.")
    return min(at_most, math.floor(math.log2(shorter / SMALLEST_MAP)))


def expect_given_image(sizes: Sizes, row: str) -> int:
    """Return the channels of a given image. Raises BadInput if none is given, or one of other sides than the sample."""
    if sizes.given_shape is None:
        raise BadInput(f"{row}: found no images that are given; expected them, for it translates images. Take pairs.")
    channels, *sides = sizes.given_shape
    if tuple(sides) != tuple(sizes.shape[1:]):
        found, expected = (" x ".join(map(str, one)) for one in (sides, sizes.shape[1:]))
        raise BadInput(f"{row}: found given images of {found} beside samples of {expected}; expected the same sides")
    return channels
