"""A training at its first step, with all that a loop needs beside it."""

from typing import NamedTuple

import torch
from torch import Tensor

from advnets.averaging import MovingAverage
from advnets.data import TRANSFORMS, Dataset
from advnets.experiment.preparation.build_training import build_training
from advnets.experiment.preparation.preview import Preview, fixed_given
from advnets.games import CycleGame, Game
from advnets.randomness import Streams
from advnets.recipes import Recipe
from advnets.training import Training

PREVIEWED, TRANSLATED = 64, 8
"""Samples of a preview, and images that are translated in one, which takes far longer."""


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
    kind = getattr(game if game is not None else recipe.learner, "given", None)
    kind = "images" if isinstance(game, CycleGame) else kind
    n = min(TRANSLATED, *map(len, _sides(dataset))) if kind == "images" else PREVIEWED
    z = training.draw_latent(n, torch.Generator().manual_seed(seed))
    given, real, split = fixed_given(dataset, kind, transform, n=n), None, dataset.validation
    if kind == "images":
        split.verify(torch.arange(n))
        real = transform.forward(split.values[:n])
    by_way = {way: real if way == "back" else given for way in training.makers}
    moved = {way: None if one is None else one.to(training.device) for way, one in by_way.items()}
    targets = {} if real is None or not split.is_paired or "" not in training.makers else {"": real}
    return Preview(z, moved, transform, training.device, targets)


def _sides(dataset: Dataset) -> tuple[Tensor, ...]:
    """Held-out samples, and what is given."""
    split = dataset.validation
    return (split.values,) if split.given is None else (split.values, split.given)
