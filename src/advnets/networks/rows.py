"""What every network is built from, and what a row of NETWORKS is: one signature for all."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from advnets.errors import BadInput, Unsupported


@dataclass(frozen=True)
class Code:
    """c, the end of z, which heads of the discriminator are to tell (Chen et al., InfoGAN, 2016).

    Attributes:
        categories: Values of a category, whose coordinates are 1 for its value and 0 elsewhere; 0 for no category.
        continuous: Coordinates behind it, each drawn from U(-1, 1).

    Raises:
        BadInput: If a number is no whole one of 0 or more, or there is one category alone.
    """

    categories: int = 0
    continuous: int = 0

    def __post_init__(self) -> None:
        for name, found in (("categories", self.categories), ("continuous", self.continuous)):
            if type(found) is not int or found < 0:
                raise BadInput(f"{name} of the code are {found!r}; expected a whole number of 0 or more")
        if self.categories == 1:
            raise BadInput("categories of the code are 1, which tells nothing; expected 2 or more, or 0 for none")

    @property
    def size(self) -> int:
        """Coordinates of z that it takes."""
        return self.categories + self.continuous


NO_CODE = Code()


@dataclass(frozen=True)
class Sizes:
    """What the data and the recipe say to a network that is built for them.

    Attributes:
        shape: Shape of a sample: (c, h, w) of images, (d,) of points.
        latent_size: Coordinates of z; 0 where there is no noise.
        classes: Number of classes where the networks are given labels, otherwise None.
        given_shape: Shape of a given image (c, h, w), otherwise None.
        code: What of the latent size is a code, which a head of the discriminator is to tell (InfoGAN).
        mean: Mean of the training samples in [0, 1], of `shape`, from which output biases may start; None for zeros.
    """

    shape: tuple[int, ...]
    latent_size: int = 0
    classes: int | None = None
    given_shape: tuple[int, ...] | None = None
    code: Code = NO_CODE
    mean: Tensor | None = None

    @property
    def marginals(self) -> Tensor:
        """The mean, or zeros where none is known, of `shape`."""
        return torch.zeros(self.shape) if self.mean is None else self.mean

    def of_packs(self, pack: int) -> "Sizes":
        """Return the sizes of packs of samples, which a discriminator judges as one: pack times as many channels.

        Args:
            pack: Samples in a pack, 1 or more.

        Returns:
            The sizes; they are the same for 1.
        """
        channels, *sides = self.shape
        return replace(self, shape=(pack * channels, *sides))

    def expect_latent(self, row: str) -> int:
        """Return the latent size, which a network that takes noise needs.

        Args:
            row: The network, for the error.

        Returns:
            Coordinates of z, 1 or more.

        Raises:
            BadInput: If there is no noise.
        """
        if self.latent_size < 1:
            raise BadInput(f"{row}: found a latent_size of 0, no noise; expected at least 1. Give a latent_size.")
        return self.latent_size

    def expect_image(self, row: str) -> tuple[int, int, int]:
        """Return the shape of an image, which a network of images needs.

        Args:
            row: The network, for the error.

        Returns:
            (c, h, w).

        Raises:
            Unsupported: For points.
        """
        if len(self.shape) != 3:
            raise Unsupported(
                f"{row}: found points of {self.shape[0]} numbers, expected images. Take a dense recipe for points."
            )
        channels, height, width = self.shape
        return channels, height, width


class Judged(NamedTuple):
    """What a discriminator may return in place of its logits alone.

    Attributes:
        logits: (batch,), or patches; all that objectives and penalties see.
        heads: Further outputs by name, which ties read: "classes", logits (batch, classes) (ACGAN); "categories",
            logits (batch, categories), and "continuous", means (batch, continuous), of a code (InfoGAN).
    """

    logits: Tensor
    heads: Mapping[str, Tensor] = {}


class NetworkRow(ABC):
    """A row of NETWORKS: a frozen dataclass of a network's numbers, which builds it in whatever sizes."""

    @abstractmethod
    def build(self, sizes: Sizes) -> nn.Module:
        """Build the network with fresh weights from torch's default generator, on torch's default device.

        Args:
            sizes: What the data and the recipe say.

        Returns:
            The network. What it is given beside z or x it takes as the second argument of its forward; a network whose
            forward has one argument is given nothing.

        Raises:
            BadInput: If it cannot be built in these sizes; Unsupported for data of another kind.
        """


class GeneratorRow(NetworkRow):
    """The row of a generator: z (batch, latent_size) -> samples (batch, *shape), or given images -> images."""


class DiscriminatorRow(NetworkRow):
    """The row of a discriminator: samples (batch, *shape) -> logits (batch,), or patches, or `Judged` with heads."""


def expect_at_least_one(**numbers: int) -> None:
    """Raise BadInput for a number that is not a whole one of at least 1."""
    for name, found in numbers.items():
        if type(found) is not int or found < 1:
            raise BadInput(f"{name} is {found!r}; expected a whole number of at least 1")
