"""The dense nets of Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN": four layers of ReLU, without normalisation.

martinarjovsky/WassersteinGAN at f7a01e8, models/mlp.py. The paper's other nets are those of `dcgan.py`, whose critic
gives the logit as it is. Weights start as torch starts linear layers, as they do in that code.
"""

import itertools
import math
from dataclasses import dataclass

from torch import nn

from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one


@dataclass(frozen=True)
class WganDenseGenerator(GeneratorRow):
    """z -> dense layers of ReLU -> a linear output, for images in [-1, 1] and for points.

    Attributes:
        hidden: Units of each hidden layer.
    """

    hidden: tuple[int, ...] = (512, 512, 512)

    def __post_init__(self) -> None:
        expect_at_least_one(hidden=min(self.hidden, default=0))

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample and latent size are read.

        Returns:
            z (batch, latent_size) -> samples (batch, *shape), not bounded.

        Raises:
            BadInput: If there is no noise.
        """
        units = sizes.expect_latent("wgan_dense_generator"), *self.hidden, math.prod(sizes.shape)
        return nn.Sequential(*_dense_layers(units), nn.Unflatten(1, sizes.shape))


@dataclass(frozen=True)
class WganDenseDiscriminator(DiscriminatorRow):
    """x -> dense layers of ReLU -> one logit.

    Attributes:
        hidden: Units of each hidden layer.
    """

    hidden: tuple[int, ...] = (512, 512, 512)

    def __post_init__(self) -> None:
        expect_at_least_one(hidden=min(self.hidden, default=0))

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the critic.

        Args:
            sizes: The shape of a sample is read.

        Returns:
            Samples (batch, *shape) -> logits (batch,).
        """
        return nn.Sequential(nn.Flatten(), *_dense_layers((math.prod(sizes.shape), *self.hidden, 1)), nn.Flatten(0))


def _dense_layers(units: tuple[int, ...]) -> list[nn.Module]:
    """Linear layers between these numbers of units, with ReLU between them."""
    first, *later = (nn.Linear(below, above) for below, above in itertools.pairwise(units))
    return [first, *itertools.chain.from_iterable((nn.ReLU(), linear) for linear in later)]
