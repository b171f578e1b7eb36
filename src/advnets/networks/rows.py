"""What every network is built from, and what a row of NETWORKS is: one signature for all."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from advnets.errors import BadInput, Unsupported


@dataclass(frozen=True)
class Sizes:
    """What the data and the recipe say to a network that is built for them.

    Attributes:
        shape: Shape of a sample: (c, h, w) of images, (d,) of points.
        latent_size: Coordinates of z; 0 where there is no noise.
        classes: Number of classes where the networks are given labels, otherwise None.
        given_shape: Shape of a given image (c, h, w), otherwise None.
        code: Coordinates at the end of z that a head of the discriminator is to tell, 0 for none (InfoGAN).
        mean: Mean of the training samples in [0, 1], of `shape`, from which output biases may start; None for zeros.
    """

    shape: tuple[int, ...]
    latent_size: int = 0
    classes: int | None = None
    given_shape: tuple[int, ...] | None = None
    code: int = 0
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
        """Return the latent size. Raises BadInput where it is 0, naming the row."""
        if self.latent_size < 1:
            raise BadInput(f"{row}: found a latent_size of 0, no noise; expected at least 1. Give a latent_size.")
        return self.latent_size

    def expect_image(self, row: str) -> tuple[int, int, int]:
        """Return the shape of an image. Raises Unsupported for points, naming the row."""
        if len(self.shape) != 3:
            raise Unsupported(
                f"{row}: found points of {self.shape[0]} numbers, expected images. Take a dense recipe for points."
            )
        channels, height, width = self.shape
        return channels, height, width


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
