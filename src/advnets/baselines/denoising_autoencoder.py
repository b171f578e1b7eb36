"""A denoising auto-encoder as a generative model: a chain that corrupts, reconstructs and draws, over and over.

    x~ ~ C(x~ | x),  p = g(f(x~)),  x ~ Bernoulli(p)

Y. Bengio, L. Yao, G. Alain and P. Vincent, Generalized denoising auto-encoders as generative models, 2013; its
walkback training (algorithm 1 there) follows the chain away from the data and teaches it the way back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from advnets.baselines.baseline import Baseline, BaselineTraining
from advnets.baselines.boltzmann import draw_bits
from advnets.baselines.descent import descend
from advnets.baselines.row_checks import check_least, check_probability, check_sizes
from advnets.baselines.tied_layer import TiedLayer, cross_entropy
from advnets.baselines.training_state import explain_other_network, training_state
from advnets.data import Batches
from advnets.errors import BadInput
from advnets.networks import Sizes
from advnets.optimizers import Adam
from advnets.schedules import LinearDecay, Schedule
from advnets.training import Moment, Step

ROW = "denoising"


@dataclass(frozen=True)
class DenoisingAutoencoder(Baseline):
    """One tied sigmoid layer that is trained to undo salt and pepper.

    Attributes:
        hidden: Units of the layer. The authors' code has 2000, which take longer.
        corruption: Probability that a pixel is replaced by a fair coin.
        walkbacks: Reconstructions of a training step, each of a corrupted draw of the one before; 1 is training
            without walkback.
        rate: Adam's rate. The authors' code descends plainly, at a rate of 10.
        burn_in: Steps of a chain before its sample.
    """

    hidden: int = 500
    corruption: float = 0.4
    walkbacks: int = 5
    rate: Schedule = LinearDecay(3e-3)  # noqa: RUF009 - frozen
    burn_in: int = 50

    def __post_init__(self) -> None:
        check_least(ROW, 1, hidden=self.hidden, walkbacks=self.walkbacks, burn_in=self.burn_in)
        check_probability(ROW, corruption=self.corruption)

    @property
    def latent_size(self) -> int:
        """Units of the layer that its chains begin in."""
        return self.hidden

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the auto-encoder, whose pixels start at the mean image.

        Args:
            sizes: Shape of an image, latent size and mean; the latent size must be `hidden`.

        Returns:
            The auto-encoder, a Chain.

        Raises:
            BadInput: If latent_size is not `hidden`.
            Unsupported: If the samples are points.
        """
        check_sizes(ROW, sizes, self.hidden)
        mean = sizes.marginals
        layer = TiedLayer(mean.numel(), self.hidden, mean)
        return DenoisingChain(layer, sizes.shape, corruption=self.corruption, burn_in=self.burn_in)

    def training(self, network: nn.Module, batches: Batches) -> "DenoisingTraining":
        """Return what trains an auto-encoder.

        Args:
            network: The auto-encoder that `build` built.
            batches: Images in [0, 1].

        Returns:
            The training, before its first step.

        Raises:
            BadInput: If the network is of another kind or another width.
        """
        if not isinstance(network, DenoisingChain) or network.layer.weight.shape[1] != self.hidden:
            raise BadInput(f"{ROW}: found another network, expected the one that `build` gave. Build it by this row.")
        return DenoisingTraining(network, batches, self)


class DenoisingChain(nn.Module):
    """The chain, whose state is a draw x; what it emits is the p that x was drawn from.

    Args:
        layer: f and g.
        shape: Shape of one image, (c, h, w).
        corruption: Probability that C replaces a pixel by a fair coin.
        burn_in: Steps before a sample.
    """

    passes_per_step: int = 2
    """Products by the layer's matrix in one step: up and down."""

    def __init__(self, layer: TiedLayer, shape: tuple[int, ...], *, corruption: float, burn_in: int) -> None:
        super().__init__()
        self.layer, self.shape, self.corruption, self.burn_in = layer, shape, corruption, burn_in

    @torch.no_grad()
    def forward(self, z: Tensor) -> Tensor:
        """Return one sample of each of n chains, `burn_in` steps from a draw of g(sigmoid(z)).

        Args:
            z: Where the chains begin, (n, hidden).

        Returns:
            The means of the pixels in [0, 1], (n, c, h, w).
        """
        return next(islice(self.walk(z), self.burn_in - 1, None))

    @torch.no_grad()
    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """Yield what n chains emit after each step from a draw of g(sigmoid(z)), without end.

        Args:
            z: Where the chains begin, (n, hidden).

        Yields:
            The means of the pixels in [0, 1], (n, c, h, w).
        """
        p = self.layer.decode(z.sigmoid())
        while True:
            p = self.reconstruct(draw_bits(p)).sigmoid()
            yield p.view(-1, *self.shape)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the logits of p = g(f(x~)), where x~ is a corruption of x.

        Args:
            x: Images in [0, 1], (batch, pixels).

        Returns:
            The logits, (batch, pixels).
        """
        return self.layer.logits(self.layer.encode(add_salt_and_pepper(x, self.corruption)))


def add_salt_and_pepper(x: Tensor, probability: float) -> Tensor:
    """Replace numbers at random by 0 or 1, as a fair coin has it.

    Args:
        x: Numbers in [0, 1], of any shape.
        probability: Probability that a number is replaced.

    Returns:
        The corrupted numbers, of the same shape.
    """
    u = torch.rand_like(x)
    # One draw decides both: below p/2 it is pepper, from there to p salt.
    return torch.where(u < probability, (u >= probability / 2).to(x), x)


@dataclass
class DenoisingTraining(BaselineTraining):
    """Training by the cross-entropy of the batch under each of the walkback's reconstructions, their mean.

    Draws and corruptions let no gradient through, so that every reconstruction teaches by itself.

    Attributes:
        network: The auto-encoder that is trained.
        batches: Images in [0, 1].
        row: The numbers of the training.
        optimizer: The optimizer of the network.
    """

    network: DenoisingChain
    batches: Batches
    row: DenoisingAutoencoder
    optimizer: Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.optimizer = Adam((0.9, 0.999)).build(list(self.network.parameters()))

    def schedule(self, moment: Moment) -> None:
        """Set the rate to what the row says of a moment.

        Args:
            moment: Where the run stands.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.row.rate.at(moment)

    def steps(self, start: int) -> Iterator[Step]:
        """Yield the steps without end; each is one descent on the next batch.

        Args:
            start: Number of the first step.

        Yields:
            Each step after it was made.
        """
        for step in count(start):
            losses = self._losses(next(self.batches).real.flatten(1))
            yield descend(losses, dict(self.network.named_parameters()), self.optimizer, player=ROW, step=step)

    def _losses(self, real: Tensor) -> dict[str, Tensor]:
        """Return the first reconstruction's part of the loss, and that of those further along the walk."""
        x, parts = real, []
        for number in range(self.row.walkbacks):
            logits = self.network.reconstruct(x)
            parts.append(cross_entropy(logits, real) / self.row.walkbacks)
            if number < self.row.walkbacks - 1:
                x = draw_bits(logits.detach().sigmoid())
        walkback = {"walkback": torch.stack(parts[1:]).sum()} if len(parts) > 1 else {}
        return {"reconstruction": parts[0], **walkback}

    def state(self) -> dict[str, Any]:
        """Return the network, its optimizer and the position in the data."""
        return training_state(self.network, self.optimizer, self.batches)

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave.

        Args:
            state: The state of a training of the same row.

        Raises:
            BadInput: If it is of another network.
        """
        with explain_other_network():
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
        self.batches.load(state["batches"])
