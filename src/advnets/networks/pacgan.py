"""The nets of Lin, Khetan, Fanti, Oh 2018, "PacGAN: the power of two samples in generative adversarial networks".

Those of its toy experiments, for points of a plane: a ring of 8 modes and a grid of 25 (the released code,
fjxmlzn/PacGAN). Weights start in N(0, .02^2), biases at 0.
"""

import math
from dataclasses import dataclass

from torch import nn

from advnets.errors import BadInput
from advnets.networks.layers.batch_norm import BatchNorm
from advnets.networks.layers.dense import Maxout
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes


@dataclass(frozen=True)
class PacganGenerator(GeneratorRow):
    """z -> dense layers, each normalised, then ReLU -> linear coordinates.

    Attributes:
        hidden: Units of each hidden layer.
        batch_norm: Whether each hidden layer is normalised before its ReLU, as published.
        deviation: Standard deviation of the weights at the start, above 0.
    """

    hidden: tuple[int, ...] = (400, 400, 400, 400)
    batch_norm: bool = True
    deviation: float = 0.02

    def __post_init__(self) -> None:
        _expect_numbers(self.deviation, hidden=self.hidden)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample and latent size are read.

        Returns:
            z (batch, latent_size) -> samples (batch, *shape), unbounded.

        Raises:
            BadInput: If there is no noise.
        """
        layers: list[nn.Module] = []
        width = sizes.expect_latent("pacgan_generator")
        for units in self.hidden:
            norm = [BatchNorm(units)] if self.batch_norm else []
            layers += [_normal_(nn.Linear(width, units), self.deviation), *norm, nn.ReLU()]
            width = units
        output = _normal_(nn.Linear(width, math.prod(sizes.shape)), self.deviation)
        return nn.Sequential(*layers, output, nn.Unflatten(1, sizes.shape))


@dataclass(frozen=True)
class PacganDiscriminator(DiscriminatorRow):
    """x, or a pack of several x -> maxout layers -> one logit, without dropout.

    Attributes:
        units: Maxout units of each hidden layer.
        pieces: Affine maps a unit.
        deviation: Standard deviation of the weights at the start, above 0.
    """

    units: tuple[int, ...] = (200, 200, 200)
    pieces: int = 5
    deviation: float = 0.02

    def __post_init__(self) -> None:
        _expect_numbers(self.deviation, units=self.units, pieces=(self.pieces,))

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: The shape of a sample, or of a pack of them, is read.

        Returns:
            Samples (batch, *shape) -> one logit a sample, (batch,).
        """
        layers: list[nn.Module] = []
        width = math.prod(sizes.shape)
        for units in self.units:
            maxout = Maxout(width, units, self.pieces)
            _normal_(maxout.linear, self.deviation)
            layers.append(maxout)
            width = units
        logit = _normal_(nn.Linear(width, 1), self.deviation)
        return nn.Sequential(nn.Flatten(1), *layers, logit, nn.Flatten(0))


def _normal_(linear: nn.Linear, deviation: float) -> nn.Linear:
    nn.init.normal_(linear.weight, 0.0, deviation)
    nn.init.zeros_(linear.bias)
    return linear


def _expect_numbers(deviation: float, **sizes: tuple[int, ...]) -> None:
    for name, found in sizes.items():
        if min(found, default=1) < 1:
            raise BadInput(f"{name} is {found}; expected at least 1. Change it.")
    if not 0 < deviation < math.inf:
        raise BadInput(f"deviation is {deviation}; expected a standard deviation above 0. Change it.")
