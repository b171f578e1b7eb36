"""A training at its first step, with all that a loop needs beside it."""

from typing import NamedTuple

import torch

from advnets.averaging import MovingAverage
from advnets.data import TRANSFORMS, Dataset
from advnets.experiment.build_training import build_training
from advnets.experiment.preview import Preview, fixed_given
from advnets.games import CycleGame, Game
from advnets.randomness import Streams
from advnets.recipes import Recipe
from advnets.training import Training

PREVIEWED = 64
"""Samples of a preview."""


class PreparedTraining(NamedTuple):
    """What a loop runs.

    Attributes:
        training: What is trained.
        average: The average of what is sampled.
        streams: The run's random numbers.
        preview: What draws the previews.
    """

    training: Training
    average: MovingAverage
    streams: Streams
    preview: Preview


def prepare_training(
    recipe: Recipe,
    dataset: Dataset,
    *,
    seed: int,
    device: torch.device,
    game: Game | CycleGame | None,
    capture: bool,
) -> PreparedTraining:
    """Prepare a training: the same seed gives the same weights, noises and order of the data.

    Args:
        recipe: The recipe.
        dataset: The data.
        seed: Seed of all random numbers.
        device: Where the networks go.
        game: A game of your own, where the recipe leaves the learner to you.
        capture: Whether moves are recorded as CUDA graphs.

    Returns:
        The training at its first step, and what belongs to it.

    Raises:
        BadInput: As `build_training` does.
    """
    streams = Streams(seed, device)
    with streams.as_defaults():
        training = build_training(recipe, dataset, seed=seed, device=device, game=game, capture=capture)
    streams.begin_own_numbers()
    average = MovingAverage(training.makers)
    return PreparedTraining(training, average, streams, _preview(training, recipe, dataset, game, seed))


def _preview(training: Training, recipe: Recipe, dataset: Dataset, game: Game | CycleGame | None, seed: int) -> Preview:
    transform = TRANSFORMS[recipe.transform if dataset.is_image else "identity"]
    z = training.draw_latent(PREVIEWED, torch.Generator().manual_seed(seed))
    kind = getattr(game if game is not None else recipe.learner, "given", None)
    given = fixed_given(dataset, "images" if isinstance(game, CycleGame) else kind, transform, n=PREVIEWED)
    real = None
    if "back" in training.makers:
        dataset.validation.verify(torch.arange(min(PREVIEWED, len(dataset.validation))))
        real = transform.forward(dataset.validation.values[:PREVIEWED])
    by_way = {way: real if way == "back" else given for way in training.makers}
    moved = {way: None if one is None else one.to(training.device) for way, one in by_way.items()}
    return Preview(z, moved, transform, training.device)
