"""Games: who plays, and what each player wants."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from advnets.latents import Latent
from advnets.networks.convolution import MaxoutConv
from advnets.networks.layers import Dropout, Maxout, Noise
from advnets.objectives import Objective
from advnets.training import Batch

Penalty = Callable[[Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]
Constraint = Callable[[nn.Module, float], None]


class Terms(NamedTuple):
    """What a player's move is made of.

    losses: named parts, () tensors; the player descends their sum.
    scores: what is only watched, detached () tensors.
    """

    losses: dict[str, Tensor]
    scores: dict[str, Tensor]


@dataclass(frozen=True)
class Game:
    """min over G, max over D of V(D, G): two networks, an objective, and what keeps them in bounds.

    generator: z (batch, latent.size) -> samples like the data.
    discriminator: samples -> logits (batch,); a trailing dimension of one is dropped.
    objective: what each player wants.
    latent: draws z.
    penalties: {penalty: weight}, added to the discriminator's loss.
    constraints: {player: {constraint: bound}}, projections of a player's parameters after its move.
    augment: a differentiable map of images that the discriminator sees them through, real and drawn alike.
    precision: of the networks' products while they play; with bfloat16, weights, gradients, logits, losses and samples
        that are drawn to be kept stay in float32 (torch's autocast).
    """

    generator: nn.Module
    discriminator: nn.Module
    objective: Objective
    latent: Latent = field(kw_only=True)
    penalties: Mapping[Penalty, float] = field(default_factory=dict, kw_only=True)
    constraints: Mapping[str, Mapping[Constraint, float]] = field(default_factory=dict, kw_only=True)
    augment: Callable[[Tensor], Tensor] | None = field(default=None, kw_only=True)
    precision: torch.dtype = field(default=torch.float32, kw_only=True)

    @property
    def players(self) -> dict[str, nn.Module]:
        """The players by name; optimizers are keyed alike."""
        return {"discriminator": self.discriminator, "generator": self.generator}

    @property
    def device(self) -> torch.device:
        """Where the generator lives."""
        return next(self.generator.parameters()).device

    def critic(self, samples: Tensor) -> Tensor:
        """The discriminator's logits (batch,), with the augmentation bound."""
        seen = self.augment(samples) if self.augment else samples
        return self._played(self.discriminator, seen).flatten()

    def losses(self, player: str, batch: Batch, z: Tensor, step: int) -> Terms:
        """The terms of one player's move: G is not differentiated in D's, D is frozen in G's."""
        return (
            self._discriminator_terms(batch.real, z) if player == "discriminator" else self._generator_terms(batch, z)
        )

    def joint_losses(self, batch: Batch, z: Tensor, step: int) -> dict[str, Terms]:
        """Both players' terms from one graph: the same z, the same fakes, the same dropout masks on them."""
        fake = self._played(self.generator, z)
        real_logits, fake_logits = self.critic(batch.real), self.critic(fake)
        generator_loss = self.objective.generator(real_logits, fake_logits).mean()
        return {
            "discriminator": self._terms(batch.real, fake.detach(), real_logits, fake_logits),
            "generator": Terms({"objective": generator_loss}, {}),
        }

    def constrain(self, player: str) -> None:
        """Project the player's parameters back into their bounds."""
        for constraint, bound in self.constraints.get(player, {}).items():
            constraint(self.players[player], bound)

    def sample(self, n: int, rng: torch.Generator | None = None, generator: nn.Module | None = None) -> Tensor:
        """n samples, in blocks, by `generator` (such as a moving average) or the game's own, in evaluation mode."""
        network = generator or self.generator
        was_training = network.training
        network.eval()
        z = self.latent(n, rng, self.device)
        with torch.no_grad():
            samples = torch.cat([network(block) for block in torch.split(z, 1000)])
        network.train(was_training)
        return samples

    def _played(self, network: nn.Module, x: Tensor) -> Tensor:
        """What a network makes of x, its products in the game's precision, in the type of x."""
        if self.precision == torch.float32:
            made: Tensor = network(x)
            return made
        with torch.autocast(x.device.type, self.precision):
            made = network(x)
        return made.to(x.dtype)

    def _discriminator_terms(self, real: Tensor, z: Tensor) -> Terms:
        with torch.no_grad():
            fake = self._played(self.generator, z)
        return self._terms(real, fake, *self._judge(real, fake))

    def _terms(self, real: Tensor, fake: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Terms:
        losses = {"objective": self.objective.discriminator(real_logits, fake_logits).mean()}
        for penalty, weight in self.penalties.items():
            losses[penalty.__name__] = weight * penalty(self.critic, real, fake).mean()
        score = self.objective.score
        scores = {"D(x)": score(real_logits).mean().detach(), "D(G(z))": score(fake_logits).mean().detach()}
        return Terms(losses, scores)

    def _generator_terms(self, batch: Batch, z: Tensor) -> Terms:
        with frozen(self.discriminator):
            fake = self._played(self.generator, z)
            if not self.objective.generator_sees_real:
                return Terms({"objective": self.objective.generator(None, self.critic(fake)).mean()}, {})
            logits = self._judge(batch.real, fake)
            return Terms({"objective": self.objective.generator(*logits).mean()}, {})

    def _judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        # One pass over both is faster, and the same as two where no sample's logit depends on its neighbours.
        if self.augment is None and judges_one_by_one(self.discriminator):
            real_logits, fake_logits = torch.split(self.critic(torch.cat([real, fake])), [len(real), len(fake)])
            return real_logits, fake_logits
        return self.critic(real), self.critic(fake)


_ONE_BY_ONE = (
    nn.Linear, nn.Conv1d, nn.Conv2d, nn.Flatten, nn.Unflatten, nn.Identity, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU,
    nn.SiLU, nn.Softplus, nn.Tanh, nn.Sigmoid, nn.Dropout, nn.LayerNorm, nn.AvgPool2d, nn.MaxPool2d, Maxout, Dropout,
    MaxoutConv, Noise,
)  # fmt: skip


def judges_one_by_one(network: nn.Module) -> bool:
    """Whether every sample's output depends on that sample alone: a Sequential of layers known to be so.

    A network with a forward of its own is not looked into: it counts as one that may compare its samples.
    """
    if isinstance(network, nn.Sequential):
        return all(judges_one_by_one(layer) for layer in network)
    return type(network) in _ONE_BY_ONE


PRECISIONS: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Within, gradients pass through the network to its input, and none is computed for its parameters."""
    moving = [theta for theta in network.parameters() if theta.requires_grad]
    for theta in moving:
        theta.requires_grad_(False)
    try:
        yield
    finally:
        for theta in moving:
            theta.requires_grad_(True)
