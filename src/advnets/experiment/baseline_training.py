"""A baseline under its lesson, where a game would be played: one network, no opponent, one stage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from advnets import baselines
from advnets.baselines import BaselineRow
from advnets.data import Batches, Dataset
from advnets.errors import BadInput
from advnets.experiment.game_training import GameTraining, batches_of, explain_build_errors, game_training
from advnets.games.game import Game
from advnets.latents import LATENTS, Latent
from advnets.recipes import Recipe
from advnets.schedules import Moment
from advnets.training import Step


@dataclass
class BaselineTraining:
    """A baseline's training with what a run asks of a Play; which layer is trained when is the affair of the lesson."""

    lesson: baselines.BaselineTraining
    recipe: Recipe
    latent: Latent
    stage: ClassVar[int] = 0

    @property
    def network(self) -> nn.Module:
        """What is sampled."""
        return self.lesson.network

    @property
    def players(self) -> dict[str, nn.Module]:
        """The networks that learn, by name."""
        return {"model": self.lesson.network}

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        return next(self.lesson.network.parameters()).device

    @property
    def batches(self) -> Batches:
        """What it is trained on."""
        return self.lesson.batches

    def steps(self, start: int) -> Iterator[Step]:
        """The steps from number `start` on, without end."""
        return self.lesson.steps(start)

    def schedule(self, moment: Moment) -> None:
        """Set the rate and the layer to what the baseline's row says of that moment."""
        self.lesson.schedule(moment)

    def due(self, share: float) -> bool:
        """Never: a baseline has one stage."""
        return False

    def next_stage(self, step: int) -> None:
        """There is none; raises BadInput."""
        raise BadInput("a baseline has one stage, and the checkpoint is of a later one")

    def state(self) -> dict[str, Any]:
        """The lesson's state, and the stage that a Play would name."""
        return {"stage": {"number": 0, "began": [0, 0]}, "lesson": self.lesson.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; raises BadInput if it is of other networks."""
        try:
            self.lesson.load(state["lesson"])
        except (RuntimeError, KeyError, IndexError, ValueError) as error:
            raise BadInput(f"the checkpoint is of other networks than these: {error}") from error

    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n samples of independent chains, as the network emits them."""
        return self.lesson.sample(n, rng)


def training(
    recipe: Recipe,
    dataset: Dataset,
    *,
    seed: int,
    device: torch.device,
    game: Game | None = None,
    capture: bool = False,
) -> GameTraining | BaselineTraining:
    """What a run of the recipe trains: a baseline under its lesson, or a game; `game` brings networks of your own.

    capture: as in Settings; raises BadInput for a baseline, whose steps are not recorded.
    """
    if game is not None or not isinstance(recipe.generator, BaselineRow):
        return game_training(recipe, dataset, seed=seed, device=device, game=game, capture=capture)
    if capture:
        raise BadInput(
            f"capture is asked of {recipe.name}, a baseline; only moves of games are recorded. Leave it out."
        )
    return _solo(recipe.generator, recipe, dataset, seed=seed, device=device)


def _solo(row: BaselineRow, recipe: Recipe, dataset: Dataset, *, seed: int, device: torch.device) -> BaselineTraining:
    batches = batches_of(recipe, dataset, seed=seed, device=device)
    with explain_build_errors():
        network = row.build(recipe.latent_size, dataset.shape, dataset.mean).to(device)
        return BaselineTraining(row.training(network, batches), recipe, LATENTS[recipe.latent](recipe.latent_size))
