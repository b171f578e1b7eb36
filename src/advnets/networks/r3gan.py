"""The nets of R3GAN as published, for GPUs: grouped bottlenecks at every size of the image, the full one too.

Huang et al., "The GAN is dead; long live the GAN! A modern baseline GAN (R3GAN)", 2024. The sizes are those of the
CIFAR-10 and FFHQ presets of the released code; ours differs in nothing that changes a parameter or an output.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advnets.networks.frames import Frame
from advnets.networks.labels import LabelledLatent
from advnets.networks.layers.resample import Downsample2d, Upsample2d
from advnets.networks.layers.residual import Basis, MaskedSums, grouped_bottleneck, head, normal_
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one


@dataclass(frozen=True)
class R3ganGenerator(GeneratorRow):
    """z -> a learnt basis of 4 x 4 -> residual blocks, doubled between -> 1 x 1 to the image, linear.

    Attributes:
        width: Maps at 4 x 4 to 32 x 32; above, half as many for each doubling.
        blocks: Residual blocks at each size.
        expansion: Inner maps of a block for each of its own.
        group: Inner maps that a 3 x 3 kernel reads.
        label_size: Coordinates of the vector that is learnt for each class, where labels are given.
    """

    width: int = 768
    blocks: int = 2
    expansion: int = 2
    group: int = 16
    label_size: int = 64

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width, blocks=self.blocks, expansion=self.expansion, group=self.group)
        expect_at_least_one(label_size=self.label_size)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator, as `ModernGenerator.build` does."""
        frame, size = Frame.of(sizes, "r3gan_generator"), sizes.expect_latent("r3gan_generator")
        size += self.label_size if sizes.classes else 0
        maps = _maps_by_size(self.width, frame)
        layers: list[nn.Module] = [Basis(size, maps[0], frame.start)]
        for stage, count in enumerate(maps):
            if stage:
                layers += [*_mix(maps[stage - 1], count), Upsample2d()]
            layers += _blocks(self, count, len(maps))
        layers += [normal_(nn.Conv2d(maps[-1], frame.channels, 1, bias=False), 1.0), *frame.crop()]
        generator = nn.Sequential(*layers)
        return LabelledLatent(generator, sizes.classes, self.label_size) if sizes.classes else generator


@dataclass(frozen=True)
class R3ganDiscriminator(DiscriminatorRow):
    """x -> 1 x 1 from the image -> residual blocks, halved between -> a learnt mask for each 4 x 4 map -> one logit.

    Attributes:
        width: Maps at 32 x 32 to 4 x 4; above, half as many for each doubling.
        blocks: Residual blocks at each size.
        expansion: Inner maps of a block for each of its own.
        group: Inner maps that a 3 x 3 kernel reads.
    """

    width: int = 768
    blocks: int = 2
    expansion: int = 2
    group: int = 16

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width, blocks=self.blocks, expansion=self.expansion, group=self.group)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator, as `ModernDiscriminator.build` does."""
        frame = Frame.of(sizes, "r3gan_discriminator")
        maps = _maps_by_size(self.width, frame)[::-1]
        layers: list[nn.Module] = [*frame.pad(), normal_(nn.Conv2d(frame.channels, maps[0], 1, bias=False), 1.0)]
        for stage, count in enumerate(maps):
            if stage:
                layers += [Downsample2d(), *_mix(maps[stage - 1], count)]
            layers += _blocks(self, count, len(maps))
        layers.append(MaskedSums(maps[-1], frame.start))
        if sizes.classes is None:
            return nn.Sequential(*layers, *head(maps[-1], None))
        projection = normal_(nn.Linear(maps[-1], maps[-1], bias=False), 1.0)
        return ClassProjection(nn.Sequential(*layers, projection), sizes.classes, maps[-1])


class ClassProjection(nn.Module):
    """D(x, y) = <h(x), e_y>, with e_y ~ N(0, 1 / size) at first.

    Args:
        network: Samples -> features h, (batch, size).
        classes: Number of classes.
        size: Number of features.
    """

    def __init__(self, network: nn.Module, classes: int, size: int) -> None:
        super().__init__()
        self.network = network
        self.embedding = nn.Embedding(classes, size)
        nn.init.normal_(self.embedding.weight, 0, 1 / math.sqrt(size))

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        """Samples (batch, ...) and labels (batch,) -> logits (batch,)."""
        return torch.sum(self.network(x) * self.embedding(given), dim=1)


def _maps_by_size(width: int, frame: Frame) -> list[int]:
    """Maps from 4 x 4 on to the image's size: `width` up to 32 x 32, and half as many a doubling above."""
    return [max(width // 2 ** max(doubled - 3, 0), 1) for doubled in range(frame.doublings + 1)]


def _mix(maps: int, others: int) -> list[nn.Module]:
    """A 1 x 1 convolution where the number of maps changes."""
    return [] if maps == others else [normal_(nn.Conv2d(maps, others, 1, bias=False), 1.0)]


def _blocks(row: R3ganGenerator | R3ganDiscriminator, maps: int, stages: int) -> list[nn.Module]:
    total = row.blocks * stages
    return [grouped_bottleneck(maps, total, expansion=row.expansion, group=row.group) for _ in range(row.blocks)]
