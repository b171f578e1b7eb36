"""The nets of Mirza and Osindero 2014, "Conditional generative adversarial nets", section 4.1, for labelled images.

No code was released. The text gives units, pieces and dropout; where weights start it leaves open.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from advnets.errors import BadInput
from advnets.networks.layers.dense import Dropout, Maxout, uniform_
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one


@dataclass(frozen=True)
class CganGenerator(GeneratorRow):
    """z -> ReLU, the label -> ReLU, both -> ReLU -> sigmoid pixels, with dropout below each later layer.

    Attributes:
        latent_units: Units of z's layer.
        label_units: Units of the label's layer.
        units: Units of the layer over both.
        dropout: Share of the units that are dropped while training, 0 to below 1.
        irange: Weights start in U(-irange, irange), biases at 0.
    """

    latent_units: int = 200
    label_units: int = 1000
    units: int = 1200
    dropout: float = 0.5
    irange: float = 0.05

    def __post_init__(self) -> None:
        expect_at_least_one(latent_units=self.latent_units, label_units=self.label_units, units=self.units)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample, latent size and classes are read.

        Returns:
            z (batch, latent_size) and labels (batch,) -> images in [0, 1].

        Raises:
            BadInput: If there is no noise, or there are no labels.
            Unsupported: For points.
        """
        sizes.expect_image("cgan_generator")
        classes, latent = expect_classes(sizes, "cgan_generator"), sizes.expect_latent("cgan_generator")
        of_latent = nn.Sequential(nn.Linear(latent, self.latent_units), nn.ReLU(), Dropout(self.dropout))
        of_label = nn.Sequential(nn.Linear(classes, self.label_units), nn.ReLU(), Dropout(self.dropout))
        joint = nn.Sequential(
            nn.Linear(self.latent_units + self.label_units, self.units), nn.ReLU(), Dropout(self.dropout),
            nn.Linear(self.units, math.prod(sizes.shape)), nn.Sigmoid(), nn.Unflatten(1, sizes.shape),
        )  # fmt: skip
        return _start(BesideLabels(of_latent, of_label, joint, classes), self.irange)


@dataclass(frozen=True)
class CganDiscriminator(DiscriminatorRow):
    """x -> maxout, the label -> maxout, both -> maxout -> one logit, with dropout below each later layer.

    Attributes:
        image_units: Units of the image's layer.
        image_pieces: Affine maps a unit of the image's layer.
        label_units: Units of the label's layer.
        label_pieces: Affine maps a unit of the label's layer.
        units: Units of the layer over both.
        pieces: Affine maps a unit of the layer over both.
        dropout: Share of the units that are dropped while training, 0 to below 1.
        irange: Weights start in U(-irange, irange), biases at 0.
    """

    image_units: int = 240
    image_pieces: int = 5
    label_units: int = 50
    label_pieces: int = 5
    units: int = 240
    pieces: int = 4
    dropout: float = 0.5
    irange: float = 0.05

    def __post_init__(self) -> None:
        expect_at_least_one(image_units=self.image_units, label_units=self.label_units, units=self.units)
        expect_at_least_one(image_pieces=self.image_pieces, label_pieces=self.label_pieces, pieces=self.pieces)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: Shape of a sample and classes are read.

        Returns:
            Images (batch, c, h, w) and labels (batch,) -> logits (batch,).

        Raises:
            BadInput: If there are no labels.
            Unsupported: For points.
        """
        sizes.expect_image("cgan_discriminator")
        classes = expect_classes(sizes, "cgan_discriminator")
        of_image = nn.Sequential(
            nn.Flatten(), Maxout(math.prod(sizes.shape), self.image_units, self.image_pieces), Dropout(self.dropout)
        )
        of_label = nn.Sequential(Maxout(classes, self.label_units, self.label_pieces), Dropout(self.dropout))
        joint = nn.Sequential(
            Maxout(self.image_units + self.label_units, self.units, self.pieces), Dropout(self.dropout),
            nn.Linear(self.units, 1), nn.Flatten(0),
        )  # fmt: skip
        return _start(BesideLabels(of_image, of_label, joint, classes), self.irange)


class BesideLabels(nn.Module):
    """f(x, y): what is made of x and what is made of the label, side by side, through a network over both.

    Args:
        of_input: Of z or x, (batch, ...) -> (batch, a).
        of_label: Of the label as zeros and a one, (batch, classes) -> (batch, b).
        joint: (batch, a + b) -> samples or logits.
        classes: Number of classes.
    """

    def __init__(self, of_input: nn.Module, of_label: nn.Module, joint: nn.Module, classes: int) -> None:
        super().__init__()
        self.of_input, self.of_label, self.joint, self.classes = of_input, of_label, joint, classes

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        """Noises or samples (batch, ...) and labels (batch,) -> samples or logits."""
        label = one_hot(given, self.classes).to(x.dtype)
        result: Tensor = self.joint(torch.cat([self.of_input(x), self.of_label(label)], 1))
        return result


def expect_classes(sizes: Sizes, row: str) -> int:
    """Return the number of classes. Raises BadInput where there are no labels, naming the row."""
    if sizes.classes is None:
        raise BadInput(f"{row}: found no labels; expected them. Give the recipe's learner given='labels'.")
    return sizes.classes


def _start(network: nn.Module, irange: float) -> nn.Module:
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            uniform_(layer, irange)
    return network
