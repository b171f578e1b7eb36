"""A game under an algorithm, as a Training: what a run of adversarial nets runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from advnets.algorithm import ALGORITHMS
from advnets.constraints import CONSTRAINTS
from advnets.data import TRANSFORMS, Batches, Dataset
from advnets.errors import BadInput
from advnets.games import Game
from advnets.latents import LATENTS
from advnets.objectives import OBJECTIVES
from advnets.optimizers import OPTIMIZERS
from advnets.penalties import PENALTIES
from advnets.recipes import Recipe
from advnets.schedules import Moment
from advnets.training import Step


@dataclass
class Play:
    """A game, the batches it is played on, and how each player descends."""

    game: Game
    batches: Batches
    optimizers: dict[str, Optimizer]
    recipe: Recipe

    def steps(self, start: int) -> Iterator[Step]:
        """The steps from number `start` on, without end."""
        algorithm = ALGORITHMS[self.recipe.algorithm]
        return algorithm(self.game, self.batches, self.optimizers, start=start, k=self.recipe.discriminator_moves)

    def schedule(self, moment: Moment) -> None:
        """Set every rate and momentum to what the recipe says of that moment."""
        rates = {"generator": self.recipe.generator_rate, "discriminator": self.recipe.discriminator_rate}
        for player, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[player].at(moment)
                if self.recipe.momentum is not None:
                    group["momentum"] = self.recipe.momentum.at(moment)

    def state(self) -> dict[str, Any]:
        """Networks, optimizers and the position in the data."""
        return {
            "players": {name: dict(network.state_dict()) for name, network in self.game.players.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "batches": self.batches.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; raises BadInput if the networks are of other shapes."""
        try:
            for name, network in self.game.players.items():
                network.load_state_dict(state["players"][name])
        except (RuntimeError, KeyError) as error:
            raise BadInput(f"the checkpoint is of other networks than these: {error}") from error
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.batches.load(state["batches"])

    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n samples of the generator, as it emits them."""
        return self.game.sample(n, rng)


def play(recipe: Recipe, dataset: Dataset, *, seed: int, device: torch.device, game: Game | None = None) -> Play:
    """Set a recipe's game up on a data set; `game` brings networks of your own in place of the recipe's."""
    game = game or build_game(recipe, dataset, device)
    transform = TRANSFORMS[recipe.transform if dataset.is_image else "identity"]
    batches = Batches(
        dataset.train, batch_size=recipe.batch_size, seed=seed, transform=transform.forward, device=device
    )
    optimizers = {
        name: OPTIMIZERS[recipe.optimizer](list(network.parameters()), betas=recipe.betas)
        for name, network in game.players.items()
    }
    return Play(game, batches, optimizers, recipe)


def build_game(recipe: Recipe, dataset: Dataset, device: torch.device) -> Game:
    """The recipe's networks, sized to the data, on the device; initial weights come from torch's default generator."""
    if recipe.generator is None or recipe.discriminator is None:
        raise BadInput("the recipe has no networks of its own: give `game=`, or take a recipe of `advnets recipes`")
    return Game(
        recipe.generator.build(recipe.latent_size, dataset.shape, dataset.mean).to(device),
        recipe.discriminator.build(dataset.shape).to(device),
        OBJECTIVES[recipe.objective],
        latent=LATENTS[recipe.latent](recipe.latent_size),
        penalties={PENALTIES[name]: weight for name, weight in recipe.penalties.items()},
        constraints={
            player: {CONSTRAINTS[name]: bound for name, bound in bounds.items()}
            for player, bounds in recipe.constraints.items()
        },
    )
