"""What a baseline is: a model that learns without a discriminator, and draws by a Markov chain.

The 2014 table compares adversarial nets with three such models. Each is a frozen dataclass of its numbers, a row of
BASELINES, that builds a network and a Training of it; the network stands where a generator stands, so runs, previews,
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

    Both ways emit expectations, the visible means and no draws from them, in [0, 1] (n, c, h, w): binary draws of real
    digits score 79 nats, and no row of the table can be met with them. What they draw comes from torch's default
    generator.

    burn_in: steps of a chain before its sample. passes_per_step: products with a layer's weights that a step takes.
    """

    burn_in: int
    passes_per_step: int

    def __call__(self, z: Tensor) -> Tensor:
        """One sample of each of n independent chains, after the row's `burn_in` steps from z (n, latent_size)."""

    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """The states of n chains after each step from z, without end; consecutive ones resemble each other."""


def is_chain(network: object) -> TypeGuard[Chain]:
    """Whether a network draws by a Markov chain, as those of baselines do."""
    return isinstance(network, Chain)


class BaselineTraining(Training, Protocol):
    """A baseline's Training, whose rates and layers follow the budget; `state` and `load` hold the batches too."""

    @property
    def network(self) -> nn.Module:
        """What is trained and sampled, a Chain."""

    @property
    def batches(self) -> Batches:
        """What it is trained on."""

    def schedule(self, moment: Moment) -> None:
        """Before each step: set the rate, and the layer that is trained, to what the row says of that moment."""


class Baseline(Protocol):
    """The row of a baseline, a frozen dataclass of all its numbers."""

    def build(self, latent_size: int, shape: tuple[int, ...], mean: Tensor) -> nn.Module:
        """The network, a Chain, of samples of `shape`; `mean` of the data may set its visible biases.

        Raises BadInput where latent_size is not the width of the layer that its chains begin in.
        """

    def training(self, network: nn.Module, batches: Batches) -> BaselineTraining:
        """What trains the network that `build` built, on batches of samples in [0, 1]."""
