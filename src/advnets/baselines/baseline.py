"""What a baseline is: a model that learns without a discriminator, and draws by a Markov chain.

The 2014 table compares adversarial nets with such models. Each is a frozen dataclass of its numbers, a row of
BASELINES, that builds a network and a Training of it. The network stands where a generator stands, so runs, previews,
reports and share files serve both alike.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor, nn

from advnets.data import Batches
from advnets.errors import BadInput
from advnets.latents import gaussian
from advnets.networks import Sizes
from advnets.training import Moment, Step

BLOCK = 1000
"""Samples whose chains run at once."""


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


class BaselineTraining(ABC):
    """What trains a baseline: a whole `Training` of one network, one stage and no opponent.

    Which layer is trained when is its own affair, by the share of the budget.

    Attributes:
        network: What is trained and sampled, a Chain.
        batches: The training samples, in [0, 1].
        row: The numbers of the baseline.
    """

    network: nn.Module
    batches: Batches
    row: "Baseline"
    stage: ClassVar[int] = 0

    @property
    def players(self) -> dict[str, nn.Module]:
        """The network that learns, by the name of its player."""
        return {"model": self.network}

    @property
    def makers(self) -> dict[str, nn.Module]:
        """The network that is sampled."""
        return {"": self.network}

    @property
    def device(self) -> torch.device:
        """The device that the network lives on."""
        return next(self.network.parameters()).device

    def moment_of_stage(self, moment: Moment) -> Moment:
        """Return the moment itself, for a baseline has one stage.

        Args:
            moment: Where the run stands.

        Returns:
            The same moment.
        """
        return moment

    def is_next_stage_due(self, share: float) -> bool:
        """Return False, for a baseline has one stage.

        Args:
            share: Share of the run's budget that is spent, from 0 to 1; not read.

        Returns:
            False.
        """
        return False

    def begin_next_stage(self, step: int) -> None:
        """Refuse to begin another stage, for a baseline has one.

        Args:
            step: The step at which it would begin; not read.

        Raises:
            BadInput: Always.
        """
        raise BadInput("a baseline has one stage, and the checkpoint is of a later one")

    @abstractmethod
    def steps(self, start: int) -> Iterator[Step]:
        """Train without end.

        Args:
            start: Number of the first step.

        Yields:
            Each step, after it was made.
        """

    @abstractmethod
    def schedule(self, moment: Moment) -> None:
        """Set the rate, and the layer that is trained, to what the row says of a moment; called before each step.

        Args:
            moment: Where the run stands.
        """

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return all that the next step depends on.

        Returns:
            Nested dicts of tensors and of what JSON can hold.
        """

    @abstractmethod
    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned.

        Args:
            state: What `state` returned, of a training of the same row.

        Raises:
            BadInput: If it is of another network.
        """

    def draw_latent(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """Draw places z where chains begin.

        Args:
            n: How many.
            rng: What draws them; None draws from the run's shared random numbers, as `Latent` does.

        Returns:
            z, (n, latent_size), on the network's device.
        """
        return gaussian(self.row.latent_size)(n, rng, self.device)

    @torch.no_grad()
    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """Draw samples of independent chains.

        Args:
            n: How many.
            rng: What draws where the chains begin; torch's default generator draws their moves.

        Returns:
            (n, c, h, w), in [0, 1].
        """
        return torch.cat([self.network(block) for block in torch.split(self.draw_latent(n, rng), BLOCK)])


class Baseline(ABC):
    """The row of a baseline: a frozen dataclass of all its numbers, which a recipe trains in place of a game."""

    latent: ClassVar[str] = "gaussian"

    @property
    @abstractmethod
    def latent_size(self) -> int:
        """Units of the layer that its chains begin in."""

    def makers(self) -> Mapping[str, "Baseline"]:
        """Return the row of the network that is sampled, by way.

        Returns:
            {"": row}.
        """
        return {"": self}

    @abstractmethod
    def build(self, sizes: Sizes) -> nn.Module:
        """Build the network, a Chain.

        Args:
            sizes: Shape of a sample, latent size and mean are read; the mean may set its visible biases.

        Returns:
            The network.

        Raises:
            BadInput: Where the latent size is not that of the layer that its chains begin in.
            Unsupported: For points.
        """

    @abstractmethod
    def training(self, network: nn.Module, batches: Batches) -> BaselineTraining:
        """Return what trains the network that `build` built.

        Args:
            network: The network.
            batches: Training samples in [0, 1].

        Returns:
            The training, at its first step.
        """
