"""What a baseline is: a model that learns without a discriminator, and draws by a Markov chain.

The 2014 table compares adversarial nets with such models. Each is a frozen dataclass of its numbers, a row of
BASELINES, that builds a network and a Training of it. The network stands where a generator stands, so runs, previews,
reports and share files serve both alike.
"""

from collections.abc import Iterator
from typing import Protocol, TypeGuard, runtime_checkable

from torch import Tensor, nn

from advnets.data import Batches
from advnets.schedules import Moment
from advnets.training import Training


@runtime_checkable
class Chain(Protocol):
    """The network of a baseline, an nn.Module: z is where its Markov chains begin.

    It emits expectations in [0, 1], (n, c, h, w): the means of the pixels, and no draws from them. Binary draws of real
    digits score 79 nats, and no row of the table can be met with them. The chain's own draws come from torch's default
    generator.

    Attributes:
        burn_in: Steps of a chain before its sample.
        passes_per_step: Products with a layer's weights that one step takes.
    """

    burn_in: int
    passes_per_step: int

    def __call__(self, z: Tensor) -> Tensor:
        """Return one sample of each of n independent chains, after `burn_in` steps from z (n, latent_size)."""

    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """Yield what n chains emit after each step from z, without end; consecutive states resemble each other.

        Args:
            z: Where the chains begin, (n, latent_size).

        Yields:
            The expectations, (n, c, h, w).
        """


def is_chain(network: object) -> TypeGuard[Chain]:
    """Return whether a network draws by a Markov chain, as those of baselines do.

    Args:
        network: The network that samples are drawn from.

    Returns:
        Whether it has all that `Chain` names.
    """
    return isinstance(network, Chain)


class BaselineTraining(Training, Protocol):
    """The Training of a baseline; its rates and layers follow the budget, and its state holds the batches too."""

    @property
    def network(self) -> nn.Module:
        """The network that is trained and sampled, a Chain."""

    @property
    def batches(self) -> Batches:
        """The batches that it is trained on."""

    def schedule(self, moment: Moment) -> None:
        """Set the rate, and the layer that is trained, to what the row says of a moment; it is called before each step.

        Args:
            moment: Where the run stands.
        """


class Baseline(Protocol):
    """The row of a baseline: a frozen dataclass of all its numbers."""

    def build(self, latent_size: int, shape: tuple[int, ...], mean: Tensor) -> nn.Module:
        """Build the network, a Chain, of samples of `shape`.

        Args:
            latent_size: Width of z, which must be that of the layer that the chains begin in.
            shape: Shape of one image, (c, h, w).
            mean: Mean image of the data in [0, 1], (c, h, w); it may set the visible biases.

        Returns:
            The network.

        Raises:
            BadInput: If latent_size is not the width of the layer that the chains begin in.
            Unsupported: If the samples are points.
        """

    def training(self, network: nn.Module, batches: Batches) -> BaselineTraining:
        """Return what trains a network.

        Args:
            network: The network that `build` built.
            batches: Samples in [0, 1].

        Returns:
            The training, before its first step.
        """
