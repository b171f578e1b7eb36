"""Saturation: why the generator is not taught to minimise log(1 - D(G(z))).

Goodfellow et al. 2014, section 3: early on D rejects samples with high confidence, and log(1 - D(G(z))) saturates.
Here D is trained alone against a generator that has not moved, and after each move both losses are differentiated
at the same parameters, noises and dropout masks.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from advnets import data, figures
from advnets.algorithm import moves
from advnets.experiment.preparation.build_training import build_game_training
from advnets.games import Game, frozen_parameters
from advnets.objectives import minimax, non_saturating
from advnets.randomness import Streams
from advnets.recipes import paper_adam
from advnets.training import Moment


@dataclass(frozen=True)
class Saturation:
    """Norms of d(loss)/d(theta_G) after moves of the discriminator.

    Attributes:
        moves: Numbers of moves.
        minimax: Norms under the minimax loss, one for each number of moves.
        non_saturating: Norms under the non-saturating loss.
    """

    moves: tuple[int, ...]
    minimax: tuple[float, ...]
    non_saturating: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """Ratios of minimax to non-saturating: 1 at D = 1/2, and 0 where the minimax loss has saturated."""
        return [low / high for low, high in zip(self.minimax, self.non_saturating, strict=True)]

    def figure(self) -> Any:
        """Return a figure of both norms, and of their ratio, against the discriminator's moves."""
        return figures.draw_saturation(self.moves, self.ratios, self.minimax, self.non_saturating)

    def _repr_png_(self) -> bytes:
        return figures.encode_figure(self.figure())


@torch.inference_mode(False)  # the caller may have switched gradients off
def saturation(
    name: str = "digits", *, data_dir: str | None = None, seed: int = 0, last: int = 200, every: int = 10
) -> Saturation:
    """Train the paper-adam recipe's D alone on a data set, and measure both losses of G on the way.

    Args:
        name: Data set, by name or path.
        data_dir: Folder where data sets are looked for first.
        seed: Seed of the game.
        last: Number of moves of D.
        every: Moves between two measurements.

    Returns:
        The norms.
    """
    dataset = data.load(name, data_dir)
    rates = {"discriminator": 1e-3, "generator": 0.0}
    descents = {player: replace(paper_adam.descents[player], rate=rate) for player, rate in rates.items()}
    recipe = replace(paper_adam, descents=descents)
    counts, low, high = [], [], []
    with Streams(seed, torch.device("cpu")).as_defaults():
        alone = build_game_training(recipe, dataset, seed=seed, device=torch.device("cpu"))
        game = alone.game
        assert isinstance(game, Game)
        alone.schedule(Moment(0, 1, 0.0))
        made = moves(game, alone.batches, alone.optimizers, k=last + 1)
        for count in range(last + 1):
            if count % every == 0:
                assert game.latent is not None
                z = game.latent(recipe.batch_size)
                counts.append(count)
                low.append(_gradient_norm(game, minimax.generator, z))
                high.append(_gradient_norm(game, non_saturating.generator, z))
            next(made)
    return Saturation(tuple(counts), tuple(low), tuple(high))


def _gradient_norm(game: Game, loss: Any, z: Tensor) -> float:
    theta = list(game.generator.parameters())
    masks = torch.get_rng_state()
    with frozen_parameters(game.discriminator):
        value = loss(None, game.critic(game.generator(z))).mean()
    torch.set_rng_state(masks)
    gradients = torch.autograd.grad(value, theta)
    return float(torch.stack(torch._foreach_norm(list(gradients))).norm())
