"""The discriminator of a checkpoint, asked about stored images, as the measure `logits-gap` does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from advnets.assessment import Discriminator
from advnets.averaging import copy_deeply
from advnets.data import TRANSFORMS, Dataset
from advnets.experiment.build_training import build_training
from advnets.experiment.game_training import GameTraining
from advnets.games import CycleGame, Game
from advnets.randomness import Streams
from advnets.recipes import Recipe

PART = 500
"""Images that go through the network at once."""


def load_discriminator(
    recipe: Recipe, dataset: Dataset, state: Mapping[str, Any], game: Game | CycleGame | None = None
) -> Discriminator | None:
    """Load the discriminator out of the training state of a checkpoint.

    Args:
        recipe: The run's recipe.
        dataset: The run's data.
        state: The training's state.
        game: The game of one's own that the run plays; it is copied.

    Returns:
        Stored values -> logits (n,), in evaluation mode, on the CPU, without augmentation. None where nothing judges an
        image by itself: for a baseline, a cycle, packs, and a discriminator that is given labels or images.

    Raises:
        BadInput: If the checkpoint is of other networks.
    """
    own = copy_deeply(game)
    with Streams(0, torch.device("cpu")).as_defaults():
        training = build_training(recipe, dataset, seed=0, device=torch.device("cpu"), game=own)
        training.load(state)
    played = training.game if isinstance(training, GameTraining) else None
    if not isinstance(played, Game) or played.pack > 1 or played.given is not None:
        return None
    played.discriminator.eval()
    bare = replace(played, augment=None, penalties={})
    transform = TRANSFORMS[recipe.transform if dataset.is_image else "identity"]

    def judge(values: Tensor) -> Tensor:
        with torch.no_grad():
            logits = [bare.critic(transform.forward(part)) for part in torch.split(values, PART)]
        return torch.cat([part if part.ndim == 1 else part.mean(1) for part in logits])

    return judge
