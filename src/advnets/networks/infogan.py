"""The nets of Chen et al. 2016, "InfoGAN: interpretable representation learning by information maximizing GANs".

openai/InfoGAN at 6e41232, infogan/models/regularized_gan.py, for MNIST: 4 x 4 kernels with stride 2, a dense layer of
1,024 units in both nets. The discriminator tells the code by two dense layers behind its own. There, two more outputs
of these are standard deviations that nothing reads, for q's is fixed at 1; they are left out here.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn

from advnets.errors import BadInput
from advnets.networks.frames import Frame
from advnets.networks.layers.batch_norm import BatchNorm
from advnets.networks.layers.starting_weights import start_weights
from advnets.networks.layers.twice_differentiable import Conv2d
from advnets.networks.rows import Code, DiscriminatorRow, GeneratorRow, Judged, Sizes, expect_at_least_one

SLOPE = 0.01
"""Of the leaky rectifiers below 0; the paper says .1, the code has .01."""
DOUBLINGS = 2


@dataclass(frozen=True)
class InfoganGenerator(GeneratorRow):
    """z -> dense -> dense maps of a quarter of the sides -> two transposed convolutions of 4 x 4 -> sigmoid.

    Attributes:
        width: Maps next to the image's; twice as many below.
        units: Units of the dense layer.
    """

    width: int = 64
    units: int = 1024

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width, units=self.units)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample and latent size are read.

        Returns:
            z (batch, latent_size), whose end is the code -> images in [0, 1].

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
            BadInput: If there is no noise.
        """
        frame, latent = Frame.of(sizes, "infogan_generator", DOUBLINGS), sizes.expect_latent("infogan_generator")
        maps, first = 2 * self.width, 2 * self.width * math.prod(frame.start)
        dense = [nn.Linear(latent, self.units), BatchNorm(self.units), nn.ReLU()]
        dense += [nn.Linear(self.units, first), BatchNorm(first), nn.ReLU(), nn.Unflatten(1, (maps, *frame.start))]
        middle = [nn.ConvTranspose2d(maps, self.width, 4, 2, 1), BatchNorm(self.width), nn.ReLU()]
        end = [nn.ConvTranspose2d(self.width, frame.channels, 4, 2, 1), nn.Sigmoid(), *frame.crop()]
        return start_weights(nn.Sequential(*dense, *middle, *end), truncated=True)


@dataclass(frozen=True)
class InfoganDiscriminator(DiscriminatorRow):
    """x -> two convolutions of 4 x 4 with stride 2 -> dense -> one logit; and from there, what tells the code.

    Attributes:
        width: Maps of the first convolution; twice as many of the second.
        units: Units of the dense layer.
        code_units: Units of the layer that tells the code.
    """

    width: int = 64
    units: int = 1024
    code_units: int = 128

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width, units=self.units, code_units=self.code_units)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: Shape of a sample and code are read.

        Returns:
            Images (batch, c, h, w) -> `Judged`: logits (batch,), and the heads "categories", logits (batch,
            categories), and "continuous", means (batch, continuous), where the code has them.

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
            BadInput: If there is no code to tell.
        """
        frame = Frame.of(sizes, "infogan_discriminator", DOUBLINGS)
        if not sizes.code.size:
            raise BadInput(
                "infogan_discriminator: found no code at the end of z; expected one to tell. Give --code.categories 10 "
                "or --code.continuous 2, in Python code=Code(10, 2)."
            )
        maps, seen = 2 * self.width, 2 * self.width * math.prod(frame.start)
        body = [*frame.pad(), Conv2d(frame.channels, self.width, 4, 2, 1), nn.LeakyReLU(SLOPE)]
        body += [Conv2d(self.width, maps, 4, 2, 1), BatchNorm(maps), nn.LeakyReLU(SLOPE), nn.Flatten()]
        body += [nn.Linear(seen, self.units), BatchNorm(self.units), nn.LeakyReLU(SLOPE)]
        tell = [nn.Linear(self.units, self.code_units), BatchNorm(self.code_units), nn.LeakyReLU(SLOPE)]
        tell += [nn.Linear(self.code_units, sizes.code.size)]
        return start_weights(
            CodeHeads(nn.Sequential(*body), nn.Linear(self.units, 1), nn.Sequential(*tell), sizes.code), truncated=True
        )


class CodeHeads(nn.Module):
    """D(x) and Q(c | x), which share all but their last layers.

    Args:
        body: Samples -> features (batch, units).
        logit: Features -> (batch, 1).
        tell: Features -> (batch, code.size).
        code: What is told.
    """

    def __init__(self, body: nn.Module, logit: nn.Module, tell: nn.Module, code: Code) -> None:
        super().__init__()
        self.body, self.logit, self.tell, self.code = body, logit, tell, code

    def forward(self, x: Tensor) -> Judged:
        """Samples (batch, ...) -> logits (batch,), and what is told of the code."""
        features = self.body(x)
        categories, continuous = self.tell(features).tensor_split([self.code.categories], dim=1)
        heads = {"categories": categories, "continuous": continuous}
        told = {name: head for name, head in heads.items() if head.shape[1]}
        return Judged(self.logit(features).squeeze(1), told)
