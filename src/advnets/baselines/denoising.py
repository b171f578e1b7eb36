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

from advnets.baselines.boltzmann import bits
from advnets.baselines.checks import check_least, check_share, check_sizes
from advnets.baselines.descent import descend
from advnets.baselines.tied import TiedLayer, cross_entropy
from advnets.data import Batches
from advnets.errors import BadInput
from advnets.latents import gaussian
from advnets.optimizers import adam
from advnets.schedules import LinearDecay, Moment, Schedule
from advnets.training import Step

ROW = "denoising"


@dataclass(frozen=True)
class Denoising:
    """One tied sigmoid layer, trained to undo salt and pepper.

    hidden: units of the layer; 2000 in the authors' code, which takes the longer.
    corruption: probability that a pixel is replaced by a fair coin.
    walkbacks: reconstructions a training step, each of a corrupted draw of the one before; 1 is without walkback.
    rate: Adam's; the authors' code descends plainly, at a rate of 10.
    burn_in: steps of a chain before its sample.
    """

    hidden: int = 500
    corruption: float = 0.4
    walkbacks: int = 5
    rate: Schedule = LinearDecay(3e-3)  # noqa: RUF009 - frozen
    burn_in: int = 50

    def __post_init__(self) -> None:
        check_least(ROW, 1, hidden=self.hidden, walkbacks=self.walkbacks, burn_in=self.burn_in)
        check_share(ROW, corruption=self.corruption)

    def build(self, latent_size: int, shape: tuple[int, ...], mean: Tensor) -> nn.Module:
        """The auto-encoder, a Chain, whose pixels start at their marginals; BadInput for sizes that do not fit."""
        check_sizes(ROW, latent_size, shape, self.hidden)
        layer = TiedLayer(mean.numel(), self.hidden, mean)
        return DenoisingChain(layer, tuple(shape), corruption=self.corruption, burn_in=self.burn_in)

    def training(self, network: nn.Module, batches: Batches) -> "DenoisingTraining":
        """What trains that auto-encoder."""
        if not isinstance(network, DenoisingChain) or network.layer.weight.shape[1] != self.hidden:
            raise BadInput(f"{ROW}: found another network, expected the one that `build` gave. Build it by this row.")
        return DenoisingTraining(network, batches, self)


class DenoisingChain(nn.Module):
    """The chain, whose state is a draw x; what it emits is the p that x was drawn from.

    layer: f and g. shape: (c, h, w) of what is emitted. corruption: of C. burn_in: steps before a sample.
    """

    passes_per_step: int = 2
    """Products by the layer's matrix in one step: up and down."""

    def __init__(self, layer: TiedLayer, shape: tuple[int, ...], *, corruption: float, burn_in: int) -> None:
        super().__init__()
        self.layer, self.shape, self.corruption, self.burn_in = layer, shape, corruption, burn_in

    @torch.no_grad()
    def forward(self, z: Tensor) -> Tensor:
        """One sample of each of n chains, `burn_in` steps from the draw of g(sigmoid(z)), z (n, hidden)."""
        return next(islice(self.walk(z), self.burn_in - 1, None))

    @torch.no_grad()
    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """What the chains emit after each step from the draw of g(sigmoid(z))."""
        p = self.layer.decode(z.sigmoid())
        while True:
            p = self.reconstruct(bits(p)).sigmoid()
            yield p.view(-1, *self.shape)

    def reconstruct(self, x: Tensor) -> Tensor:
        """The logits of p = g(f(x~)), x~ a corruption of x, (batch, pixels)."""
        return self.layer.logits(self.layer.encode(salt_and_pepper(x, self.corruption)))


def salt_and_pepper(x: Tensor, probability: float) -> Tensor:
    """x with each number, at that probability, replaced by 0 or 1, as a fair coin has it."""
    u = torch.rand_like(x)
    # One draw decides both: below p/2 it is pepper, from there to p salt.
    return torch.where(u < probability, (u >= probability / 2).to(x), x)


@dataclass
class DenoisingTraining:
    """Cross-entropy of the batch under each of the walkback's reconstructions, their mean.

    Draws and corruptions let no gradient through, so that every reconstruction teaches by itself.
    """

    network: DenoisingChain
    batches: Batches
    row: Denoising
    optimizer: Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.optimizer = adam(list(self.network.parameters()), betas=(0.9, 0.999))

    def schedule(self, moment: Moment) -> None:
        """Before each step: the rate at this moment."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.row.rate.at(moment)

    def steps(self, start: int) -> Iterator[Step]:
        """The steps from number `start` on, without end."""
        for step in count(start):
            losses = self._losses(next(self.batches).real.flatten(1))
            yield descend(losses, dict(self.network.named_parameters()), self.optimizer, player=ROW, step=step)

    def _losses(self, real: Tensor) -> dict[str, Tensor]:
        """The first reconstruction's part of the loss, and that of those further along the walk."""
        x, parts = real, []
        for number in range(self.row.walkbacks):
            logits = self.network.reconstruct(x)
            parts.append(cross_entropy(logits, real) / self.row.walkbacks)
            if number < self.row.walkbacks - 1:
                x = bits(logits.detach().sigmoid())
        walked = {"walkback": torch.stack(parts[1:]).sum()} if len(parts) > 1 else {}
        return {"reconstruction": parts[0], **walked}

    def state(self) -> dict[str, Any]:
        """The network, its optimizer and the position in the data."""
        return {
            "network": dict(self.network.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "batches": self.batches.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; raises BadInput if its network is another."""
        try:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, KeyError, ValueError) as error:
            raise BadInput(f"the checkpoint is of another network than this: {error}") from error
        self.batches.load(state["batches"])

    @torch.no_grad()
    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n samples of independent chains; rng draws where they begin, torch's default generator their moves."""
        emitted: Tensor = self.network(gaussian(self.row.hidden)(n, rng, self.network.layer.weight.device))
        return emitted
