"""The nets of Odena, Olah, Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs", for CIFAR-10.

The paper's appendix A, table 2; no code was released, and the table was not at hand when this was written: its numbers
are as its followers have them. The label reaches the generator as zeros and a one beside z. The discriminator sees no
label: it tells one.
"""

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from advnets.networks.cgan import expect_classes
from advnets.networks.frames import Frame
from advnets.networks.layers.batch_norm import BatchNorm
from advnets.networks.layers.dense import Dropout
from advnets.networks.layers.starting_weights import start_weights
from advnets.networks.layers.twice_differentiable import Conv2d
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Judged, Sizes, expect_at_least_one

LAYERS = 6
"""Convolutions of the discriminator, every other one of which halves the sides."""


@dataclass(frozen=True)
class AcganGenerator(GeneratorRow):
    """z and the label -> dense maps, ReLU -> transposed convolutions of 5 x 5, each doubles the sides -> tanh.

    Attributes:
        width: Maps next to the image's; twice as many a halving of the side below.
    """

    width: int = 96

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample, latent size and classes are read.

        Returns:
            z (batch, latent_size) and labels (batch,) -> images in [-1, 1].

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
            BadInput: If there is no noise, or there are no labels.
        """
        frame, classes = Frame.of(sizes, "acgan_generator"), expect_classes(sizes, "acgan_generator")
        maps = [self.width * 2**stage for stage in range(frame.doublings)][::-1]
        inputs = sizes.expect_latent("acgan_generator") + classes
        layers: list[nn.Module] = [nn.Linear(inputs, maps[0] * math.prod(frame.start)), nn.ReLU()]
        layers += [nn.Unflatten(1, (maps[0], *frame.start))]
        for below, above in itertools.pairwise(maps):
            layers += [nn.ConvTranspose2d(below, above, 5, 2, 2, 1), BatchNorm(above), nn.ReLU()]
        layers += [nn.ConvTranspose2d(maps[-1], frame.channels, 5, 2, 2, 1), nn.Tanh(), *frame.crop()]
        return start_weights(BesideOneHot(nn.Sequential(*layers), classes), gains=0.0)


@dataclass(frozen=True)
class AcganDiscriminator(DiscriminatorRow):
    """x -> six convolutions of 3 x 3, every other one of which halves the sides -> one logit, and one for each class.

    Attributes:
        width: Maps of the first; twice as many each later one.
        dropout: Share of the numbers that are dropped behind each convolution while training, 0 to below 1.
    """

    width: int = 16
    dropout: float = 0.5

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: Shape of a sample and classes are read.

        Returns:
            Images (batch, c, h, w) -> `Judged`: logits (batch,), and the head "classes", logits (batch, classes).

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
            BadInput: If there are no labels.
        """
        frame, classes = Frame.of(sizes, "acgan_discriminator"), expect_classes(sizes, "acgan_discriminator")
        layers: list[nn.Module] = []
        maps = [frame.channels, *(self.width * 2**stage for stage in range(LAYERS))]
        for number, (above, below) in enumerate(itertools.pairwise(maps)):
            layers += [Conv2d(above, below, 3, 1 if number % 2 else 2, 1)]
            layers += [*([BatchNorm(below)] if number else []), nn.LeakyReLU(0.2), Dropout(self.dropout)]
        sides = (math.ceil(sizes.shape[1] / 8), math.ceil(sizes.shape[2] / 8))
        last = nn.Linear(maps[-1] * math.prod(sides), 1 + classes)
        return start_weights(ClassHeads(nn.Sequential(*layers, nn.Flatten(), last)), gains=0.0)


class BesideOneHot(nn.Module):
    """G(z, y): a generator of z beside the label as zeros and a one.

    Args:
        generator: (batch, latent_size + classes) -> samples.
        classes: Number of classes.
    """

    def __init__(self, generator: nn.Module, classes: int) -> None:
        super().__init__()
        self.generator, self.classes = generator, classes

    def forward(self, z: Tensor, given: Tensor) -> Tensor:
        """Noises (batch, latent_size) and labels (batch,) -> samples."""
        samples: Tensor = self.generator(torch.cat([z, one_hot(given, self.classes).to(z.dtype)], 1))
        return samples


class ClassHeads(nn.Module):
    """D(x): the logit of real and fake, and beside it the head "classes".

    Args:
        network: Samples -> (batch, 1 + classes).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Judged:
        """Samples (batch, ...) -> logits (batch,), and class logits (batch, classes)."""
        logits, classes = self.network(x).tensor_split([1], dim=1)
        return Judged(logits.squeeze(1), {"classes": classes})
