"""The discriminator of a checkpoint, asked about stored images, as `logits_gap` does."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from advnets.assessment import Discriminator
from advnets.data import TRANSFORMS, Dataset
from advnets.errors import BadInput
from advnets.experiment.game_training import explain_build_errors
from advnets.games.game import Game
from advnets.randomness import Streams
from advnets.recipes import Recipe

PART = 500
"""Images that go through the net at once."""


def load_discriminator(
    recipe: Recipe, dataset: Dataset, state: Mapping[str, Any], game: Game | None = None
) -> Discriminator | None:
    """Values of the data set -> logits (n,), by the discriminator in the training state of a checkpoint.

    It is in evaluation mode, on the CPU, and sees images without augmentation. game: networks of your own, which are
    copied. None for a baseline, which has no opponent. Raises BadInput if the checkpoint is of other networks.
    """
    if "players" not in state:
        return None
    with Streams(0, torch.device("cpu")).as_defaults():
        network = copy.deepcopy(game.discriminator).cpu() if game else _build(recipe, dataset, state["stage"]["number"])
    try:
        network.load_state_dict(state["players"]["discriminator"])
    except (RuntimeError, KeyError) as error:
        raise BadInput(f"the checkpoint is of another discriminator than this: {error}") from error
    network.eval()
    transform = TRANSFORMS[recipe.transform if dataset.is_image else "identity"]

    def critic(values: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([network(transform.forward(part)).flatten() for part in torch.split(values, PART)])

    return critic


def _build(recipe: Recipe, dataset: Dataset, stage: int) -> nn.Module:
    rows = [recipe.discriminator, *(later.discriminator for later in recipe.stages[:stage])]
    row = [row for row in rows if row is not None][-1]
    with explain_build_errors():
        network: nn.Module = row.build(dataset.shape)
    return network
