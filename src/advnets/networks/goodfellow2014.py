"""The nets of Goodfellow et al. 2014, "Generative Adversarial Nets", as in the released mnist.yaml.

Inputs and outputs take the size of the data, so the same rows serve 28x28 digits, 8x8 digits and points of a plane.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advnets.errors import BadInput
from advnets.networks.layers import Dropout, Maxout, uniform_


@dataclass(frozen=True)
class ReluGenerator:
    """z -> ReLU hidden layers -> sigmoid pixels; linear coordinates where the data are points.

    hidden: units of each hidden layer.
    irange: weights start in U(-irange, irange).
    batch_norm: normalise each hidden layer before its ReLU (not in the paper; Ioffe & Szegedy 2015).
    """

    hidden: tuple[int, ...] = (1200, 1200)
    irange: float = 0.05
    batch_norm: bool = False

    def __post_init__(self) -> None:
        if min(self.hidden, default=1) < 1:
            raise BadInput(f"hidden is {self.hidden}; expected at least 1 unit in each layer")

    def build(self, latent_size: int, shape: tuple[int, ...], mean: Tensor) -> nn.Module:
        """A generator of samples of `shape`; `mean` of the data sets the output bias (marginals of the pixels)."""
        layers: list[nn.Module] = []
        width = latent_size
        for units in self.hidden:
            layers += [uniform_(nn.Linear(width, units), self.irange)]
            layers += [nn.BatchNorm1d(units)] if self.batch_norm else []
            layers += [nn.ReLU()]
            width = units
        output = uniform_(nn.Linear(width, math.prod(shape)), self.irange)
        squash = _sigmoid_from_marginals(output, mean) if len(shape) == 3 else nn.Identity()
        return nn.Sequential(*layers, output, squash, nn.Unflatten(1, shape))


@dataclass(frozen=True)
class MaxoutDiscriminator:
    """x -> maxout layers -> one logit, with dropout on the input of every layer.

    units: maxout units of each hidden layer.
    pieces: affine maps a maxout unit.
    irange: weights start in U(-irange, irange).
    dropout: probability of dropping an input of the first layer, and of each later one.
    """

    units: tuple[int, ...] = (240, 240)
    pieces: int = 5
    irange: float = 0.005
    dropout: tuple[float, float] = (0.2, 0.5)

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        """A discriminator of samples of `shape`, with one logit a sample, shape (batch,)."""
        layers: list[nn.Module] = [nn.Flatten(1), Dropout(self.dropout[0])]
        width = math.prod(shape)
        for units in self.units:
            maxout = Maxout(width, units, self.pieces)
            uniform_(maxout.linear, self.irange)
            layers += [maxout, Dropout(self.dropout[1])]
            width = units
        return nn.Sequential(*layers, uniform_(nn.Linear(width, 1), self.irange), nn.Flatten(0))


@torch.no_grad()
def _sigmoid_from_marginals(output: nn.Linear, mean: Tensor) -> nn.Sigmoid:
    # init_sigmoid_bias_from_marginals: pixels that are always dark start at logit(1e-7) = -16.1
    # (on the meta device there are no numbers, and the first clamp there loads eight hundred modules)
    if not output.bias.is_meta:
        output.bias.copy_(mean.flatten().clamp(1e-7, 1 - 1e-7).logit())
    return nn.Sigmoid()
