"""R3GAN's ideas in nets for two cores: no normalisation, blocks that begin as the identity, a learnt first basis.

Written from the paper: Huang et al., "The GAN is dead; long live the GAN! A modern baseline GAN (R3GAN)", 2024. What is
ours: on a CPU activations at full resolution cost most, so the image is made of maps of half its sides by one strided
convolution, as in DCGAN; a block is two dense 3 x 3 convolutions. Under exact R1 + R2 in bfloat16, a step at 64 pixels
takes .71 of the time that it takes with the published grouped bottleneck, which costs as much without penalties; with
bottlenecks at full resolution too it takes 4.2 times as long (benchmarks/blocks.md). The published nets are
`r3gan_generator` and `r3gan_discriminator`.
"""

from dataclasses import dataclass

import torch
from torch import nn

from advnets.networks.dcgan import maps_by_stage
from advnets.networks.frames import Frame
from advnets.networks.labels import ClassLogits, LabelledLatent
from advnets.networks.layers.resample import ConvDownsample2d, ConvUpsample2d
from advnets.networks.layers.residual import Basis, MaskedSums, head, normal_, plain_block
from advnets.networks.layers.twice_differentiable import Conv2d
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one


@dataclass(frozen=True)
class ModernGenerator(GeneratorRow):
    """z -> a learnt basis of 4 x 4 -> residual blocks, doubled between -> a strided convolution to the image, linear.

    Attributes:
        width: Maps at half of the image's sides: the one dial of capacity. There are twice as many a halving of the
            side below, up to 8 times.
        blocks: Residual blocks at each size.
        label_size: Coordinates of the vector that is learnt for each class, where labels are given.
    """

    width: int = 64
    blocks: int = 1
    label_size: int = 64

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width, blocks=self.blocks, label_size=self.label_size)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator; its weights lie in memory as channels_last, which is faster on CPUs.

        Args:
            sizes: Shape of a sample, latent size and classes are read.

        Returns:
            z (batch, latent_size), with labels (batch,) where there are classes -> images, for data in [-1, 1].

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
            BadInput: If there is no noise.
        """
        frame, size = Frame.of(sizes, "modern_generator"), sizes.expect_latent("modern_generator")
        size += self.label_size if sizes.classes else 0
        maps, total = maps_by_stage(self.width, frame)[::-1], self.blocks * frame.doublings
        layers: list[nn.Module] = [Basis(size, maps[0], frame.start)]
        for stage, count in enumerate(maps):
            layers += [ConvUpsample2d(maps[stage - 1], count)] if stage else []
            layers += [plain_block(count, total) for _ in range(self.blocks)]
        image = normal_(nn.ConvTranspose2d(maps[-1], frame.channels, 4, 2, 1), 1.0)
        generator = nn.Sequential(*layers, image, *frame.crop()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return LabelledLatent(generator, sizes.classes, self.label_size) if sizes.classes else generator


@dataclass(frozen=True)
class ModernDiscriminator(DiscriminatorRow):
    """x -> a strided convolution -> residual blocks, halved between -> a learnt mask for each 4 x 4 map -> one logit.

    Attributes:
        width: Maps at half of the image's sides: the one dial of capacity, as the generator's.
        blocks: Residual blocks at each size.
    """

    width: int = 64
    blocks: int = 1

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width, blocks=self.blocks)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator; its weights lie in memory as channels_last, which is faster on CPUs.

        Args:
            sizes: Shape of a sample and classes are read.

        Returns:
            Images (batch, c, h, w), with labels (batch,) where there are classes -> logits (batch,).

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
        """
        frame = Frame.of(sizes, "modern_discriminator")
        maps, total = maps_by_stage(self.width, frame), self.blocks * frame.doublings
        layers: list[nn.Module] = [*frame.pad(), normal_(Conv2d(frame.channels, maps[0], 4, 2, 1), 1.0)]
        for stage, count in enumerate(maps):
            layers += [ConvDownsample2d(maps[stage - 1], count)] if stage else []
            layers += [plain_block(count, total) for _ in range(self.blocks)]
        layers += [MaskedSums(maps[-1], frame.start), *head(maps[-1], sizes.classes)]
        network = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return ClassLogits(network) if sizes.classes else network
