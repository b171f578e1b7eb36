"""The nets of Zhu et al. 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks".

They are those of the maintained port, junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py: instance normalisation
without gains and biases, biases in all layers, padding by reflection. The authors' Lua code (junyanz/CycleGAN at
40b4498) has learnt gains, and 6 blocks by default.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advnets.errors import Unsupported
from advnets.networks.frames import Frame
from advnets.networks.layers.starting_weights import start_weights
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one
from advnets.networks.translation.pix2pix import expect_given_image, halvings, patch_layers

SMALLEST = 5
"""The shorter side that reflection leaves two pixels of after two halvings."""


@dataclass(frozen=True)
class CycleganGenerator(GeneratorRow):
    """Given image -> 7 x 7 -> two layers that halve the sides -> residual blocks -> two that double -> 7 x 7 -> tanh.

    Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", 2016.

    Attributes:
        width: Maps of the first layer; the blocks have four times as many.
        blocks: Residual blocks: 9 as published for 256 pixels, 6 for 128.
    """

    width: int = 64
    blocks: int = 9

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width, blocks=self.blocks)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shapes of a sample and of a given image, of the same sides, are read.

        Returns:
            Images (batch, c', h, w) -> images (batch, c, h, w) in [-1, 1].

        Raises:
            Unsupported: For points, for sides beyond those of `Frame`, and for a shorter side below 5.
            BadInput: If no images are given, or of other sides than the samples.
        """
        frame = Frame.of(sizes, "cyclegan_generator", doublings=2)
        given, width = expect_given_image(sizes, "cyclegan_generator"), self.width
        if min(frame.height, frame.width) < SMALLEST:
            raise Unsupported(
                f"cyclegan_generator: found images of {frame.height} x {frame.width}, expected sides of {SMALLEST} or "
                "more."
            )
        layers: list[nn.Module] = [*frame.pad(), nn.ReflectionPad2d(3), nn.Conv2d(given, width, 7)]
        layers += [nn.InstanceNorm2d(width), nn.ReLU()]
        for maps in (width, 2 * width):
            layers += [nn.Conv2d(maps, 2 * maps, 3, 2, 1), nn.InstanceNorm2d(2 * maps), nn.ReLU()]
        layers += [ReflectedBlock(4 * width) for _ in range(self.blocks)]
        for maps in (4 * width, 2 * width):
            up = nn.ConvTranspose2d(maps, maps // 2, 3, 2, 1, output_padding=1)
            layers += [up, nn.InstanceNorm2d(maps // 2), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, frame.channels, 7), nn.Tanh(), *frame.crop()]
        return start_weights(nn.Sequential(*layers))


@dataclass(frozen=True)
class CycleganDiscriminator(DiscriminatorRow):
    """PatchGAN of one image, with instance normalisation: x -> a logit a patch. Not pix2pix's, which sees two images.

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
            sizes: Shape of a sample is read.

        Returns:
            Images (batch, c, h, w) -> logits (batch, patches).

        Raises:
            Unsupported: For points, and for images that are too small or too large.
        """
        layers = halvings(sizes, "cyclegan_discriminator", self.layers)
        return start_weights(patch_layers(sizes.shape[0], self.width, layers, nn.InstanceNorm2d, bias=True))


class ReflectedBlock(nn.Module):
    """x plus reflection, 3 x 3, norm, ReLU, reflection, 3 x 3, norm; nothing follows the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width), nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(batch, width, h, w) -> the same shape."""
        return torch.add(x, self.layers(x))
