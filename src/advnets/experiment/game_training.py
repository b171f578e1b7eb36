"""A game under an algorithm, as a Training: what a run of adversarial nets runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from advnets.algorithm import ALGORITHMS
from advnets.baselines import BaselineRow
from advnets.capture import Recorder
from advnets.constraints import CONSTRAINTS
from advnets.data import TRANSFORMS, Batches, Dataset
from advnets.errors import AdvnetsError, BadInput
from advnets.games.game import PRECISIONS, Game
from advnets.latents import LATENTS, Latent
from advnets.objectives import OBJECTIVES
from advnets.optimizers import OPTIMIZERS, schedule, state_of
from advnets.penalties import PENALTIES
from advnets.recipes import Recipe, Stage
from advnets.schedules import Moment, moment_within
from advnets.training import Step


@dataclass
class GameTraining:
    """A game, the batches it is played on, and how each player descends; later stages of the recipe change the game.

    capture: whether turns are recorded and replayed.
    stage: the recipe's stage that is under way, from 0. began: the step and the epoch at which it began.
    """

    game: Game
    batches: Batches
    optimizers: dict[str, Optimizer]
    recipe: Recipe
    shape: tuple[int, ...]
    capture: bool = False
    stage: int = 0
    began: tuple[int, int] = (0, 0)
    recorder: Recorder | None = field(default=None, init=False)

    @property
    def network(self) -> nn.Module:
        """What is sampled: the generator."""
        return self.game.generator

    @property
    def players(self) -> dict[str, nn.Module]:
        """The networks that learn, by name."""
        return self.game.players

    @property
    def device(self) -> torch.device:
        """Where the networks live."""
        return self.game.device

    @property
    def latent(self) -> Latent:
        """Where the generator's z comes from."""
        return self.game.latent

    def steps(self, start: int) -> Iterator[Step]:
        """The steps from number `start` on, without end."""
        algorithm, k = ALGORITHMS[self.recipe.algorithm], self.recipe.discriminator_moves
        self.recorder = Recorder(self.game.device) if self.capture else None
        return algorithm(self.game, self.batches, self.optimizers, start=start, k=k, turn=self.recorder)

    def schedule(self, moment: Moment) -> None:
        """Set every rate and momentum to what the recipe says of that moment, counted from the stage's beginning."""
        begins = (0.0, *(stage.begins for stage in self.recipe.stages), 1.0)
        moment = moment_within(moment, begins, self.stage, self.began)
        rates = {"generator": self.recipe.generator_rate, "discriminator": self.recipe.discriminator_rate}
        momentum = {} if self.recipe.momentum is None else {"momentum": self.recipe.momentum.at(moment)}
        for player, optimizer in self.optimizers.items():
            schedule(optimizer, lr=rates[player].at(moment), **momentum)

    def due(self, share: float) -> bool:
        """Whether, at this share of the run's budget, the next stage begins."""
        return self.stage < len(self.recipe.stages) and share >= self.recipe.stages[self.stage].begins

    def next_stage(self, step: int) -> None:
        """Begin the next stage at this step: its networks, fresh optimizers, a new epoch of the data.

        Raises BadInput if the networks cannot be built.
        """
        self._settle()
        with explain_build_errors():
            self.game = _later(self.game, self.recipe.stages[self.stage], self.shape)
        self.optimizers = _optimizers(self.game, self.recipe)
        self.stage, self.began = self.stage + 1, (step, self.batches.epoch + 1)
        self.batches.load({**self.batches.state(), "epoch": self.batches.epoch + 1, "index": 0})

    def _settle(self) -> None:
        if self.recorder is not None:
            self.recorder.settle()

    def state(self) -> dict[str, Any]:
        """The stage, networks, optimizers and the position in the data."""
        self._settle()
        return {
            "stage": {"number": self.stage, "began": list(self.began)},
            "players": {name: dict(network.state_dict()) for name, network in self.game.players.items()},
            "optimizers": {name: state_of(optimizer) for name, optimizer in self.optimizers.items()},
            "batches": self.batches.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; raises BadInput if its stages or networks are others.

        The networks of later stages are built first, with random numbers from torch's default generator.
        """
        try:
            while self.stage < state["stage"]["number"]:
                self.next_stage(0)
            self.began = tuple(state["stage"]["began"])
            for name, network in self.game.players.items():
                network.load_state_dict(state["players"][name])
        except (RuntimeError, KeyError, IndexError) as error:
            raise BadInput(f"the checkpoint is of other networks than these: {error}") from error
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.batches.load(state["batches"])

    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n samples of the generator, as it emits them."""
        return self.game.sample(n, rng)


def game_training(
    recipe: Recipe,
    dataset: Dataset,
    *,
    seed: int,
    device: torch.device,
    game: Game | None = None,
    capture: bool = False,
) -> GameTraining:
    """Set a recipe's game up on a data set; `game` brings networks of your own in place of the recipe's."""
    game = game or build_game(recipe, dataset, device)
    batches = batches_of(recipe, dataset, seed=seed, device=device)
    return GameTraining(game, batches, _optimizers(game, recipe), recipe, dataset.shape, capture)


def batches_of(recipe: Recipe, dataset: Dataset, *, seed: int, device: torch.device) -> Batches:
    """The training images in batches of the recipe's size, as its networks see them."""
    transform = TRANSFORMS[recipe.transform if dataset.is_image else "identity"]
    return Batches(dataset.train, batch_size=recipe.batch_size, seed=seed, transform=transform.forward, device=device)


def build_game(recipe: Recipe, dataset: Dataset, device: torch.device) -> Game:
    """The recipe's networks, sized to the data, on the device; initial weights come from torch's default generator."""
    if recipe.generator is None or isinstance(recipe.generator, BaselineRow) or recipe.discriminator is None:
        raise BadInput("the recipe has no networks of its own: give `game=`, or take a recipe of `advnets recipes`")
    with explain_build_errors():
        generator = recipe.generator.build(recipe.latent_size, dataset.shape, dataset.mean).to(device)
        discriminator = recipe.discriminator.build(dataset.shape).to(device)
    return Game(
        generator,
        discriminator,
        OBJECTIVES[recipe.objective],
        latent=LATENTS[recipe.latent](recipe.latent_size),
        penalties={PENALTIES[name]: weight for name, weight in recipe.penalties.items()},
        constraints={
            player: {CONSTRAINTS[name]: bound for name, bound in bounds.items()}
            for player, bounds in recipe.constraints.items()
        },
        precision=PRECISIONS[recipe.precision],
    )


@contextmanager
def explain_build_errors() -> Iterator[None]:
    """What networks raise of their numbers is BadInput that says so."""
    try:
        yield
    except AdvnetsError:
        raise
    except (RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
        raise BadInput(f"the recipe's networks cannot be built, change their sizes: {error}") from error


def _optimizers(game: Game, recipe: Recipe) -> dict[str, Optimizer]:
    return {
        name: OPTIMIZERS[recipe.optimizer](list(network.parameters()), betas=recipe.betas)
        for name, network in game.players.items()
    }


def _later(game: Game, stage: Stage, shape: tuple[int, ...]) -> Game:
    """The next stage's game: the former generator, whole, above new layers as wide as its z; a new discriminator."""
    generator, discriminator = game.generator, game.discriminator
    if stage.below is not None:
        size = game.latent.size
        generator = nn.Sequential(stage.below.build(size, size).to(game.device), generator)
    if stage.discriminator is not None:
        discriminator = stage.discriminator.build(shape).to(game.device)
    return replace(game, generator=generator, discriminator=discriminator)
